package alert

import (
	"crypto/rand"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A callbackBody is the body of a batch, in the form that Standard Webhooks recommends.
type callbackBody struct {
	Type string       `json:"type"`
	Time time.Time    `json:"timestamp"` // of the latest report
	Data callbackData `json:"data"`
}

type callbackData struct {
	Deliveries []callbackDelivery `json:"deliveries"`
}

// A callbackDelivery is a report. Its fields have the names and forms of the REST API.
type callbackDelivery struct {
	ReportID   string    `json:"reportId"`
	AlertID    string    `json:"alertId"`
	DeliveryID string    `json:"deliveryId"`
	Nickname   string    `json:"nickName"`
	Messenger  string    `json:"messenger"`
	State      string    `json:"state"`
	Reason     string    `json:"reason,omitempty"`
	EndTime    time.Time `json:"endTime,omitzero"`
	ReadTime   time.Time `json:"readTime,omitzero"`
}

// encodeCallbacks is the CallbackEncoder of the service.
func encodeCallbacks(reports []CallbackReport) (id string, body []byte) {
	b := callbackBody{Type: "deliveries.updated", Data: callbackData{Deliveries: make([]callbackDelivery, 0, len(reports))}}
	for _, r := range reports {
		if r.CreateTime.After(b.Time) {
			b.Time = r.CreateTime
		}
		b.Data.Deliveries = append(b.Data.Deliveries, callbackDelivery{
			ReportID:   strconv.FormatInt(r.ID, 10),
			AlertID:    alertID(r.AlertID),
			DeliveryID: strconv.FormatInt(r.DeliveryID, 10),
			Nickname:   r.Nickname,
			Messenger:  r.Messenger,
			State:      alertv1.DeliveryState(r.State).String(),
			Reason:     r.Reason,
			EndTime:    r.EndTime,
			ReadTime:   r.ReadTime,
		})
	}
	return "cb_" + rand.Text(), call.JSON(b)
}

func callbackEndpointToWire(e CallbackEndpoint) *alertv1.CallbackEndpoint {
	return &alertv1.CallbackEndpoint{
		Name: e.Name, Url: e.URL, CreateTime: timestamppb.New(e.CreateTime), WaitingCount: e.WaitingCount, LastError: e.LastError,
	}
}
