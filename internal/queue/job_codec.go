package queue

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// encodeJobs returns the payload of a queue message.
func encodeJobs(jobs []job.Job) ([]byte, error) {
	bundle := &jobv1.Bundle{Jobs: make([]*jobv1.Job, 0, len(jobs))}
	for _, j := range jobs {
		bundle.Jobs = append(bundle.Jobs, jobToWire(j))
	}
	payload, err := proto.Marshal(bundle)
	if err != nil {
		return nil, fmt.Errorf("encode jobs: %w", err)
	}
	return payload, nil
}

// decodeJobs returns the jobs of a payload.
func decodeJobs(payload []byte) ([]job.Job, error) {
	bundle := new(jobv1.Bundle)
	if err := proto.Unmarshal(payload, bundle); err != nil {
		return nil, fmt.Errorf("decode jobs: %w", err)
	}
	jobs := make([]job.Job, 0, len(bundle.GetJobs()))
	for _, wire := range bundle.GetJobs() {
		jobs = append(jobs, jobFromWire(wire))
	}
	return jobs, nil
}

func jobToWire(j job.Job) *jobv1.Job {
	wire := &jobv1.Job{
		AlertId:    j.AlertID,
		Messenger:  j.Messenger,
		Rank:       int32(j.Rank),
		Text:       j.Content.Text,
		Severity:   j.Content.Severity,
		Title:      j.Content.Title,
		Link:       j.Content.Link,
		CreateTime: timestamppb.New(j.Content.Time),
		Key:        j.Content.AlertKey,
		Resolved:   j.Content.Resolved,
		Deliveries: make([]*jobv1.JobDelivery, 0, len(j.Deliveries)),
		Trace:      string(j.Trace),

		Acknowledged: j.Content.Acknowledged,
		Incident:     j.Content.Incident,
		Reply:        j.Content.Reply,
		DigestLines:  j.Content.DigestLines,
	}
	for _, d := range j.Content.Details {
		wire.Details = append(wire.Details, &jobv1.JobDetail{Name: d.Name, Value: d.Value})
	}
	for _, d := range j.Deliveries {
		wire.Deliveries = append(wire.Deliveries, &jobv1.JobDelivery{
			Id:               d.ID,
			Destination:      d.Destination,
			SealedCredential: d.SealedCredential,
			CredentialKey:    d.CredentialFingerprint,
			NickName:         d.Nickname,
			Slots:            d.Slots,
			Chain:            d.Chain,
			Previous:         d.Previous,
		})
	}
	return wire
}

func jobFromWire(wire *jobv1.Job) job.Job {
	j := job.Job{
		AlertID:   wire.GetAlertId(),
		Messenger: wire.GetMessenger(),
		Rank:      job.Rank(wire.GetRank()),
		Content: job.Content{
			Text:     wire.GetText(),
			Severity: wire.GetSeverity(),
			Title:    wire.GetTitle(),
			Link:     wire.GetLink(),
			Time:     wire.GetCreateTime().AsTime(),
			AlertKey: wire.GetKey(),
			Resolved: wire.GetResolved(),

			Acknowledged: wire.GetAcknowledged(),
			Incident:     wire.GetIncident(),
			Reply:        wire.GetReply(),
			DigestLines:  wire.GetDigestLines(),
		},
		Deliveries: make([]job.Delivery, 0, len(wire.GetDeliveries())),
		Trace:      telemetry.TraceContext(wire.GetTrace()),
	}
	for _, d := range wire.GetDetails() {
		j.Content.Details = append(j.Content.Details, job.Detail{Name: d.GetName(), Value: d.GetValue()})
	}
	for _, d := range wire.GetDeliveries() {
		j.Deliveries = append(j.Deliveries, job.Delivery{
			ID:                    d.GetId(),
			Destination:           d.GetDestination(),
			SealedCredential:      d.GetSealedCredential(),
			CredentialFingerprint: d.GetCredentialKey(),
			Nickname:              d.GetNickName(),
			Slots:                 d.GetSlots(),
			Chain:                 d.GetChain(),
			Previous:              d.GetPrevious(),
		})
	}
	return j
}
