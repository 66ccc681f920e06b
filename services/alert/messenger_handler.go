package alert

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

var _ messengerv1connect.MessengerServiceHandler = (*MessengerHandler)(nil)

// A MessengerHandler implements MessengerService.
type MessengerHandler struct {
	Specs       []messenger.Spec
	LimiterKeys func() []ratelimit.KeyReport // all limiter keys that are not idle
	Counter     BacklogCounter
	Now         func() time.Time

	Templates TemplateStore
	Renderer  *TextRenderer // that of Handler; it rereads changed templates

	Directory    userv1connect.DirectoryServiceClient
	SealCounter  SealCounter
	MonitorSeals MonitorSealCounter
}

// ListMessengers returns the specs of the messengers, sorted by name.
func (h *MessengerHandler) ListMessengers(_ context.Context, req *messengerv1.ListMessengersRequest) (*messengerv1.ListMessengersResponse, error) {
	res := &messengerv1.ListMessengersResponse{Messengers: make([]*messengerv1.Messenger, 0, len(h.Specs))}
	for _, s := range h.Specs {
		if name := req.GetName(); name != "" && name != s.Name {
			continue
		}
		res.Messengers = append(res.Messengers, specToWire(s))
	}
	return res, nil
}

// defaultKeysPage is the default page size of ListPaces.
const defaultKeysPage = 100

// ListPaces returns a page of limiter keys with their state and backlog, sorted by name.
func (h *MessengerHandler) ListPaces(ctx context.Context, req *messengerv1.ListPacesRequest) (*messengerv1.ListPacesResponse, error) {
	all, err := h.limiterKeys(ctx)
	if err != nil {
		return nil, err
	}
	size := cmp.Or(int(req.GetPageSize()), defaultKeysPage)
	res := &messengerv1.ListPacesResponse{}
	for _, p := range all {
		if p.GetKey() <= req.GetPageToken() || req.GetMessenger() != "" && req.GetMessenger() != p.GetMessenger() {
			continue
		}
		if len(res.GetPaces()) == size {
			res.NextPageToken = res.GetPaces()[size-1].GetKey()
			break
		}
		res.Paces = append(res.Paces, p)
	}
	return res, nil
}

// limiterKeys returns the limiter keys that are not idle and the credentials that have a
// backlog, sorted by name. The backlog is counted by destination only if a limiter key of
// a destination is among them.
func (h *MessengerHandler) limiterKeys(ctx context.Context) ([]*messengerv1.Pace, error) {
	byKey, destinations := map[string]*messengerv1.Pace{}, false
	for _, r := range h.LimiterKeys() {
		byKey[r.Key] = keyReportToWire(r)
		_, destination := messenger.OfKeyID(r.Key)
		destinations = destinations || destination
	}
	backlogs, err := h.Counter.Backlogs(ctx, h.Now(), destinations)
	if err != nil {
		return nil, err
	}
	for _, b := range backlogs {
		key := messenger.CredentialKeyID(b.Messenger, b.CredentialFingerprint)
		if byKey[key] == nil {
			byKey[key] = &messengerv1.Pace{Key: key, Messenger: b.Messenger}
		}
		countBacklog(byKey[key], b)
		if !destinations {
			continue
		}
		if p := byKey[messenger.DestinationKeyID(b.Messenger, b.CredentialFingerprint, b.Destination)]; p != nil {
			countBacklog(p, b)
		}
	}
	return slices.SortedFunc(maps.Values(byKey), func(a, b *messengerv1.Pace) int { return strings.Compare(a.GetKey(), b.GetKey()) }), nil
}

// countBacklog adds a backlog to that of a limiter key.
func countBacklog(p *messengerv1.Pace, b Backlog) {
	p.QueuedCount += int32(b.Queued)
	p.DueCount += int32(b.Due)
	if !b.Oldest.IsZero() && (p.OldestCreateTime == nil || b.Oldest.Before(p.OldestCreateTime.AsTime())) {
		p.OldestCreateTime = timeToWire(b.Oldest)
	}
}

func keyReportToWire(r ratelimit.KeyReport) *messengerv1.Pace {
	name, _ := messenger.OfKeyID(r.Key)
	return &messengerv1.Pace{
		Key:                  r.Key,
		Messenger:            name,
		LimitPerSecond:       r.PerSecond,
		NextSlotTime:         timeToWire(r.NextSlot),
		PausedUntilTime:      timeToWire(r.PausedUntil),
		PauseCode:            r.PauseCode,
		RefusedUntilTime:     timeToWire(r.RefusedUntil),
		RefusalCode:          r.Code,
		BreakerOpenUntilTime: timeToWire(r.BrokenUntil),
	}
}

func specToWire(s messenger.Spec) *messengerv1.Messenger {
	return &messengerv1.Messenger{
		Name:             s.Name,
		Title:            s.Title,
		Credential:       settingToWire(s.Credential),
		Destination:      settingToWire(s.Destination),
		CredentialLimit:  limitToWire(s.Limits.Credential),
		DestinationLimit: limitToWire(s.Limits.Destination),
		Idempotent:       s.Idempotent,
		Costly:           s.Costly,
		Verifiable:       s.Verifiable,
	}
}

func settingToWire(s messenger.Setting) *messengerv1.Setting {
	return &messengerv1.Setting{Label: s.Label, Hint: s.Hint, Secret: s.Secret, Optional: s.Optional}
}

// limitToWire returns the text of a rate limit, empty if there is none.
func limitToWire(r ratelimit.Rate) string {
	if !r.Limited() {
		return ""
	}
	return r.String()
}
