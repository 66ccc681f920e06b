package edge

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"google.golang.org/protobuf/proto"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// maxIntakeBytes limits a body of intake or of events, decompressed: 10,000 alerts of Alertmanager
// with their labels are below 16 MiB.
const maxIntakeBytes = 16 << 20

// A created resource is 201, and a name that is taken is 400.
var (
	statusCreate = map[int]int{http.StatusOK: http.StatusCreated, http.StatusConflict: http.StatusBadRequest}
	statusRename = map[int]int{http.StatusConflict: http.StatusBadRequest}
	statusAdd    = map[int]int{http.StatusOK: http.StatusCreated}
)

// RESTRules are the rules of the REST paths of the API; Legacy are the nine paths of the
// older service.
var RESTRules = rpc.RESTRules{
	"GET /v1/groups":                               {Legacy: true},
	"GET /v1/groups/{id}":                          {Legacy: true},
	"POST /v1/groups":                              {Legacy: true, Status: statusCreate, Refused: "id"},
	"PUT /v1/groups/{id}":                          {Legacy: true, Status: statusRename},
	"DELETE /v1/groups/{id}":                       {Legacy: true},
	"GET /v1/groups/{id}/users":                    {Legacy: true},
	"POST /v1/groups/{id}/users":                   {Legacy: true, Status: statusAdd},
	"DELETE /v1/groups/{id}/users/{nick_name}":     {Legacy: true},
	"POST /v1/alerts":                              {Legacy: true},
	"POST /v1/keys":                                {Status: statusCreate},
	"POST /v1/callback-endpoints":                  {Status: statusCreate},
	"POST /v1/users":                               {Status: statusCreate},
	"PUT /v1/users/{nick_name}":                    {Status: statusRename},
	"POST /v1/users/{nick_name}/addresses":         {Status: statusCreate},
	"PUT /v1/users/{nick_name}/addresses/{id}":     {Status: statusRename},
	"POST /v1/intake/{source}":                     {MaxBytes: maxIntakeBytes, BodyType: acceptIntakeTypes, Headers: "Ce-"},
	"POST /v1/monitors":                            {Status: statusCreate},
	"POST /v1/maintenances":                        {Status: statusCreate},
	"GET /v1/inbox/stream":                         {Event: inboxEvent},
	"POST /v1/events":                              {MaxBytes: maxIntakeBytes, BodyType: acceptEventTypes, Headers: "Ce-"},
	"POST /v1/callbacks/{messenger}/{delivery_id}": {BodyType: acceptForm, Headers: "X-Twilio-"},
}

// acceptIntakeTypes accepts JSON. For CloudEvents it accepts their own types, and any type with the
// headers of the binary mode.
func acceptIntakeTypes(req *http.Request, mediaType string) error {
	if !strings.HasSuffix(strings.TrimSuffix(req.URL.Path, "/"), "/cloudevents") {
		if !rpc.IsJSON(mediaType) {
			return errors.New("send the body as application/json")
		}
		return nil
	}
	if strings.HasPrefix(mediaType, "application/cloudevents") || req.Header.Get("Ce-Specversion") != "" {
		return nil
	}
	return errors.New("send the body as application/cloudevents+json or application/cloudevents-batch+json, or as any type with the headers ce-specversion, ce-id, ce-source and ce-type")
}

// inboxEvent returns the event of a message of InboxService.Watch. The first message has the
// position after which the items of the stream follow, so that a reader that has no item yet can resume.
func inboxEvent(message proto.Message) rpc.Event {
	res, ok := message.(*inboxv1.WatchResponse)
	if !ok {
		return rpc.Event{Data: message}
	}
	if item := res.GetItem(); item != nil {
		event := rpc.Event{ID: cmp.Or(item.GetPosition(), item.GetId()), Data: item} // an older service sends no position
		if res.GetChanged() {
			event.Name = "change"
		}
		return event
	}
	return rpc.Event{ID: res.GetAfterId(), Name: "ready", Data: res}
}

// acceptEventTypes accepts JSON, CloudEvents, and any type with the headers of their binary mode.
func acceptEventTypes(req *http.Request, mediaType string) error {
	if rpc.IsJSON(mediaType) || strings.HasPrefix(mediaType, "application/cloudevents") || req.Header.Get("Ce-Specversion") != "" {
		return nil
	}
	return errors.New("send the body as application/json, application/cloudevents+json or application/cloudevents-batch+json, or as any type with the headers ce-specversion, ce-id, ce-source and ce-type")
}

// acceptForm accepts the forms of providers' callbacks.
func acceptForm(_ *http.Request, mediaType string) error {
	if mediaType != "application/x-www-form-urlencoded" {
		return errors.New("send the body as application/x-www-form-urlencoded")
	}
	return nil
}
