package alert

import "github.com/bongsu-project/bongsu/internal/job"

// Jobs returns jobs for the deliveries of ds that are Queued, in order: each job has one
// messenger and at most size deliveries.
func Jobs(a Alert, ds []Delivery, size int) []job.Job {
	var jobs []job.Job
	open := map[string]int{} // the job for the next delivery of a messenger
	for _, d := range ds {
		if d.State != Queued {
			continue
		}
		i, ok := open[d.Messenger]
		if !ok || len(jobs[i].Deliveries) == size {
			i = len(jobs)
			open[d.Messenger] = i
			jobs = append(jobs, job.Job{AlertID: a.ID, Messenger: d.Messenger, Rank: a.Rank(), Content: a.Content(d.Messenger), Trace: a.Trace})
		}
		jobs[i].Deliveries = append(jobs[i].Deliveries, job.Delivery{
			ID:                    d.ID,
			Destination:           d.Destination,
			SealedCredential:      d.SealedCredential,
			CredentialFingerprint: d.CredentialFingerprint,
			Nickname:              d.Nickname,
			Chain:                 d.Chain,
			Previous:              d.Previous,
		})
	}
	return jobs
}
