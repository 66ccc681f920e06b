package alert

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/outcome"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// The states in the API have the same numbers as those of this package, which
// TestWireEnums checks. Counts and status codes fit an int32.

// alertID returns the id as callers see it.
func alertID(id int64) string { return strconv.FormatInt(id, 10) }

// readAlertID parses an id of alertID. For any other text it returns fault.ErrNotFound.
func readAlertID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.WithResource(fault.NotFoundf("alert %q not found", text), "alert", text)
	}
	return id, nil
}

// defaultTTL is the default time to live of an alert.
const defaultTTL = 24 * time.Hour

// ttlFromWire returns a time to live, defaultTTL for nil.
func ttlFromWire(ttl *durationpb.Duration) time.Duration {
	if ttl == nil {
		return defaultTTL
	}
	return ttl.AsDuration()
}

// newAlert returns the alert of a request that was accepted at now. The severity is normal
// if the request has none. The alert has neither the unknown targets nor the request digest.
func newAlert(req *alertv1.SendAlertRequest, now time.Time) (Alert, error) {
	a := Alert{
		Targets:        req.GetTarget(),
		By:             req.GetBy(),
		Severity:       req.GetSeverity(),
		Message:        req.GetMessage(),
		Title:          req.GetTitle(),
		Link:           req.GetLink(),
		Details:        detailsFromWire(req.GetDetails()),
		CreateTime:     now,
		ExpireTime:     now.Add(ttlFromWire(req.GetTtl())),
		AlertKey:       req.GetKey(),
		Resolved:       req.GetStatus() == alertv1.AlertStatus_ALERT_STATUS_RESOLVED,
		Callback:       req.GetCallback(),
		IdempotencyKey: req.GetIdempotencyKey(),
		Acknowledged:   req.GetStatus() == alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED,
		Escalation:     req.GetEscalation(),
		Policy:         IncidentPolicy{Fields: req.GetRepeatFields(), Renotify: req.GetRenotify()},
	}
	if a.AlertKey == "" {
		if err := checkWithoutKey(a); err != nil {
			return Alert{}, err
		}
	}
	if a.Severity == "" {
		a.Severity = "normal"
	}
	return a, nil
}

// checkWithoutKey returns an error for an alert without an alert key that needs one.
func checkWithoutKey(a Alert) error {
	switch {
	case a.Resolved:
		return fault.InvalidField("key", "required if status is resolved")
	case a.Acknowledged:
		return fault.InvalidField("key", "required if status is acknowledged")
	case a.Escalation != "":
		return fault.InvalidField("key", "required if escalation is set")
	}
	return nil
}

// requestDigest returns the digest of a request with an idempotency key, with all of its fields.
func requestDigest(req *alertv1.SendAlertRequest) ([]byte, error) {
	request, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("computing the request digest failed: %w", err)
	}
	digest := sha256.Sum256(request)
	return digest[:], nil
}

func sentToWire(added Added) *alertv1.SendAlertResponse {
	return &alertv1.SendAlertResponse{
		Id: alertID(added.Alert.ID), UserCount: int32(added.DeliveryCount()), UnknownTarget: added.Alert.UnknownTargets,
	}
}

func alertToWire(a Alert) *alertv1.Alert {
	return &alertv1.Alert{
		Id:             alertID(a.ID),
		Target:         a.Targets,
		Severity:       a.Severity,
		Message:        a.Message,
		Title:          a.Title,
		Link:           a.Link,
		Details:        detailsToWire(a.Details),
		UnknownTarget:  a.UnknownTargets,
		UserCount:      int32(a.Counts.Total()),
		CreateTime:     timestamppb.New(a.CreateTime),
		ExpireTime:     timestamppb.New(a.ExpireTime),
		DeliveryCounts: countsToWire(a.Counts),
		Key:            job.DisplayKey(a.AlertKey),
		Status:         statusToWire(a),
		TraceId:        a.Trace.TraceID(),
		By:             a.By,
		Callback:       a.Callback,
		IncidentId:     incidentID(a.Incident),
		Source:         a.Source,
		Escalation:     a.Escalation,
		Repeat:         a.Repeat,
		SilenceId:      silenceID(a.Silence),
	}
}

// silenceID returns the id as callers see it; empty for none.
func silenceID(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// incidentID returns the id as callers see it; empty for none.
func incidentID(id int64) string {
	if id == 0 {
		return ""
	}
	return alertID(id)
}

func statusToWire(a Alert) alertv1.AlertStatus {
	switch {
	case a.Resolved:
		return alertv1.AlertStatus_ALERT_STATUS_RESOLVED
	case a.Acknowledged:
		return alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED
	}
	return alertv1.AlertStatus_ALERT_STATUS_FIRING
}

func detailsToWire(ds []job.Detail) []*alertv1.Detail {
	wire := make([]*alertv1.Detail, 0, len(ds))
	for _, d := range ds {
		wire = append(wire, &alertv1.Detail{Name: d.Name, Value: d.Value})
	}
	return wire
}

func detailsFromWire(wire []*alertv1.Detail) []job.Detail {
	var ds []job.Detail
	for _, d := range wire {
		ds = append(ds, job.Detail{Name: d.GetName(), Value: d.GetValue()})
	}
	return ds
}

func countsToWire(c Counts) *alertv1.DeliveryCounts {
	return &alertv1.DeliveryCounts{
		Queued:   int32(c[Queued] + c[Claimed]),
		Sent:     int32(c[Sent]),
		Failed:   int32(c[Failed]),
		Expired:  int32(c[Expired]),
		Canceled: int32(c[Canceled]),
		Held:     int32(c[Held]),
	}
}

func deliveriesToWire(ds []Delivery) []*alertv1.Delivery {
	wire := make([]*alertv1.Delivery, 0, len(ds))
	for _, d := range ds {
		chain := ""
		if d.Chain != 0 {
			chain = strconv.FormatInt(d.Chain, 10)
		}
		attempts := make([]*alertv1.Attempt, 0, len(d.Attempts))
		for _, t := range d.Attempts {
			attempts = append(attempts, attemptToWire(t))
		}
		wire = append(wire, &alertv1.Delivery{
			Id:              strconv.FormatInt(d.ID, 10),
			NickName:        d.Nickname,
			Messenger:       d.Messenger,
			Destination:     d.Destination,
			State:           alertv1.DeliveryState(d.State),
			Reason:          d.Reason,
			NextAttemptTime: timeToWire(d.NextTime),
			EndTime:         timeToWire(d.EndTime),
			Attempts:        attempts,
			Chain:           chain,
			Receipt:         receiptToWire(d.Receipt),
			Hold:            d.Hold.String(),
		})
	}
	return wire
}

// A watchMessage is a message of WatchAlert. It is built once for all watchers.
type watchMessage = alertv1.WatchAlertResponse

func watchMessageToWire(ds []Delivery, counts Counts) *watchMessage {
	return &watchMessage{Deliveries: deliveriesToWire(ds), DeliveryCounts: countsToWire(counts)}
}

func attemptToWire(t Attempt) *alertv1.Attempt {
	return &alertv1.Attempt{
		Number:            int32(t.Number),
		Fence:             t.Fence,
		StartTime:         timestamppb.New(t.StartTime),
		EndTime:           timestamppb.New(t.EndTime),
		Outcome:           outcome.ToWire(t.Outcome),
		PossibleDuplicate: t.PossibleDuplicate,
	}
}

// receiptToWire returns nil for the zero Receipt.
func receiptToWire(r Receipt) *alertv1.Receipt {
	if r == (Receipt{}) {
		return nil
	}
	return &alertv1.Receipt{
		Status:            r.Status,
		Time:              timestamppb.New(r.Time),
		Final:             r.Final,
		ProviderCode:      r.Code,
		ProviderMessageId: r.MessageID,
	}
}

// receiptFromWire returns the receipt that came at now. A final status other than sent
// means that the message was not delivered.
func receiptFromWire(res *userv1.ReadReceiptResponse, now time.Time) Receipt {
	o := outcome.FromWire(res.GetOutcome())
	r := Receipt{MessageID: o.MessageID, Status: res.GetStatus(), Time: now, Final: res.GetFinal()}
	if r.Failed = r.Final && o.Kind != messenger.Sent; r.Failed {
		r.Code = o.Code
	}
	return r
}

// maxRecipientsPage is the maximum number of recipients in the response to a dry run.
const maxRecipientsPage = 1000

// resolvedToWire returns the requested page of recipients.
func resolvedToWire(found LookupResult, req *alertv1.ResolveTargetsRequest) (*alertv1.ResolveTargetsResponse, error) {
	skip, err := readPageToken(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	all := found.Recipients
	page := all[min(int(skip), len(all)):]
	res := &alertv1.ResolveTargetsResponse{UserCount: int32(len(all)), UnknownTarget: found.UnknownTargets}
	if size := cmp.Or(int(req.GetPageSize()), maxRecipientsPage); len(page) > size {
		page = page[:size]
		res.NextPageToken = strconv.Itoa(int(skip) + size)
	}
	res.Recipients = make([]*alertv1.Recipient, 0, len(page))
	for _, r := range page {
		res.Recipients = append(res.Recipients, &alertv1.Recipient{
			NickName:    r.Nickname,
			Messenger:   r.Messenger,
			Destination: r.Destination,
		})
	}
	return res, nil
}

func queryFromWire(req *alertv1.ListAlertsRequest) (AlertQuery, error) {
	q := AlertQuery{
		Limit:        int(req.GetPageSize()),
		Severity:     req.GetSeverity(),
		State:        State(req.GetState()),
		Nickname:     target.CanonicalName(req.GetNickName()),
		From:         timeFromWire(req.GetCreateTimeFrom()),
		CreateBefore: timeFromWire(req.GetCreateTimeBefore()),
	}
	if q.Limit == 0 {
		q.Limit = defaultAlertsPage
	}
	if token := req.GetPageToken(); token != "" {
		before, err := readAlertID(token)
		if err != nil {
			return AlertQuery{}, fault.WithField(fault.Invalidf("invalid page_token"), "page_token")
		}
		q.Before = before
	}
	return q, nil
}

func cancelSelectionFromWire(filter *alertv1.CancelFilter) (CancelSelection, error) {
	s := CancelSelection{
		Messenger: filter.GetMessenger(),
		Alerts: AlertFilter{
			Key: filter.GetKey(), Source: filter.GetSource(), Group: filter.GetGroup(),
			From: timeFromWire(filter.GetCreateTimeFrom()), CreateBefore: timeFromWire(filter.GetCreateTimeBefore()),
		},
	}
	if filter.GetAlertId() != "" {
		id, err := readAlertID(filter.GetAlertId())
		if err != nil {
			return CancelSelection{}, err
		}
		s.AlertID = id
	}
	return s, nil
}

func selectionFromWire(req *alertv1.ReplayDeliveriesRequest) (ReplaySelection, error) {
	filter := req.GetFilter()
	s := ReplaySelection{
		Messenger: filter.GetMessenger(),
		Reason:    filter.GetReason(),
		From:      timeFromWire(filter.GetEndTimeFrom()),
		Before:    timeFromWire(filter.GetEndTimeBefore()),
		Alerts:    AlertFilter{Key: filter.GetKey(), Source: filter.GetSource(), Group: filter.GetGroup()},
	}
	for _, text := range req.GetDeliveryIds() {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= 0 {
			return ReplaySelection{}, fault.InvalidField("delivery_ids", "invalid id %q", text)
		}
		s.IDs = append(s.IDs, id)
	}
	if filter.GetAlertId() != "" {
		id, err := readAlertID(filter.GetAlertId())
		if err != nil {
			return ReplaySelection{}, err
		}
		s.AlertID = id
	}
	return s, nil
}

// timeToWire returns nil for the zero time.
func timeToWire(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFromWire returns the zero time for nil.
func timeFromWire(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
