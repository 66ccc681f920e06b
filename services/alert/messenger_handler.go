package alert

import (
	"context"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

var _ messengerv1connect.MessengerServiceHandler = (*MessengerHandler)(nil)

// A MessengerHandler answers MessengerService.
type MessengerHandler struct{ Specs []messenger.Spec }

// ListMessengers describes the messengers, by name.
func (h *MessengerHandler) ListMessengers(_ context.Context, req *messengerv1.ListMessengersRequest) (*messengerv1.ListMessengersResponse, error) {
	res := &messengerv1.ListMessengersResponse{Messengers: make([]*messengerv1.Messenger, 0, len(h.Specs))}
	for _, s := range h.Specs {
		if name := req.GetName(); name != "" && name != s.Name {
			continue
		}
		res.Messengers = append(res.Messengers, &messengerv1.Messenger{
			Name:        s.Name,
			Title:       s.Title,
			Credential:  settingToWire(s.Credential),
			Destination: settingToWire(s.Destination),
		})
	}
	return res, nil
}

func settingToWire(s messenger.Setting) *messengerv1.Setting {
	return &messengerv1.Setting{Label: s.Label, Hint: s.Hint, Secret: s.Secret}
}
