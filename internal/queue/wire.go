package queue

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/job"
)

// encode gives the payload of a job.
func encode(j job.Job) ([]byte, error) {
	wire := &jobv1.Job{
		AlertId:    j.AlertID,
		Messenger:  j.Messenger,
		Rank:       int32(j.Rank),
		Text:       j.Content.Text,
		Severity:   j.Content.Severity,
		Title:      j.Content.Title,
		Link:       j.Content.Link,
		CreateTime: timestamppb.New(j.Content.Time),
		Deliveries: make([]*jobv1.JobDelivery, 0, len(j.Deliveries)),
	}
	for _, d := range j.Content.Details {
		wire.Details = append(wire.Details, &jobv1.JobDetail{Name: d.Name, Value: d.Value})
	}
	for _, d := range j.Deliveries {
		wire.Deliveries = append(wire.Deliveries, &jobv1.JobDelivery{
			Id:               d.ID,
			Destination:      d.Destination,
			SealedCredential: d.SealedCredential,
			CredentialKey:    d.CredentialKey,
			Slots:            d.Slots,
		})
	}
	payload, err := proto.Marshal(wire)
	if err != nil {
		return nil, fmt.Errorf("encode a job: %w", err)
	}
	return payload, nil
}

// decode reads what encode gave.
func decode(payload []byte) (job.Job, error) {
	wire := new(jobv1.Job)
	if err := proto.Unmarshal(payload, wire); err != nil {
		return job.Job{}, fmt.Errorf("decode a job: %w", err)
	}
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
		},
		Deliveries: make([]job.Delivery, 0, len(wire.GetDeliveries())),
	}
	for _, d := range wire.GetDetails() {
		j.Content.Details = append(j.Content.Details, job.Detail{Name: d.GetName(), Value: d.GetValue()})
	}
	for _, d := range wire.GetDeliveries() {
		j.Deliveries = append(j.Deliveries, job.Delivery{
			ID:               d.GetId(),
			Destination:      d.GetDestination(),
			SealedCredential: d.GetSealedCredential(),
			CredentialKey:    d.GetCredentialKey(),
			Slots:            d.GetSlots(),
		})
	}
	return j, nil
}
