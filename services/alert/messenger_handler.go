package alert

import (
	"cmp"
	"context"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/pace"
)

var _ messengerv1connect.MessengerServiceHandler = (*MessengerHandler)(nil)

// A MessengerHandler answers MessengerService.
type MessengerHandler struct {
	Specs []messenger.Spec
	Paces func() []pace.Standing // all that are not at rest, by key

	Directory userv1connect.DirectoryServiceClient
	Sealed    Sealed
}

// ListMessengers describes the messengers, by name.
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

// defaultPacesPage is how many paces a page has where the caller does not say.
const defaultPacesPage = 100

// ListPaces says how the keys stand, by name.
func (h *MessengerHandler) ListPaces(_ context.Context, req *messengerv1.ListPacesRequest) (*messengerv1.ListPacesResponse, error) {
	size := cmp.Or(int(req.GetPageSize()), defaultPacesPage)
	res := &messengerv1.ListPacesResponse{}
	for _, s := range h.Paces() {
		if s.Key <= req.GetPageToken() || req.GetMessenger() != "" && req.GetMessenger() != s.Messenger() {
			continue
		}
		if len(res.GetPaces()) == size {
			res.NextPageToken = res.GetPaces()[size-1].GetKey()
			break
		}
		res.Paces = append(res.Paces, paceToWire(s))
	}
	return res, nil
}

func paceToWire(s pace.Standing) *messengerv1.Pace {
	return &messengerv1.Pace{
		Key:                  s.Key,
		Messenger:            s.Messenger(),
		LimitPerSecond:       s.PerSecond,
		NextSlotTime:         timeToWire(s.NextSlot),
		PausedUntilTime:      timeToWire(s.PausedUntil),
		PauseCode:            s.PauseCode,
		RefusedUntilTime:     timeToWire(s.RefusedUntil),
		RefusalCode:          s.Code,
		BreakerOpenUntilTime: timeToWire(s.BrokenUntil),
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

// limitToWire leaves what is not limited empty.
func limitToWire(r messenger.Rate) string {
	if !r.Limited() {
		return ""
	}
	return r.String()
}
