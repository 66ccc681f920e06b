package edge_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1" // the routes
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/services/edge"
)

// TestRestRulesMatchRoutes checks that each rule is of a REST path of the API.
func TestRestRulesMatchRoutes(t *testing.T) {
	known := map[string]bool{}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				rule, _ := proto.GetExtension(methods.Get(j).Options(), annotations.E_Http).(*annotations.HttpRule)
				for _, binding := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
					known["GET "+binding.GetGet()] = true
					known["PUT "+binding.GetPut()] = true
					known["POST "+binding.GetPost()] = true
					known["DELETE "+binding.GetDelete()] = true
				}
			}
		}
		return true
	})
	legacy := 0
	for pattern, rule := range edge.RESTRules {
		if !known[pattern] || strings.HasSuffix(pattern, " ") {
			t.Errorf("%s is the path of no method", pattern)
		}
		if rule.Legacy {
			legacy++
		}
	}
	if legacy != 9 {
		t.Errorf("the older service has nine paths, not %d", legacy)
	}
}

func TestBodyTypes(t *testing.T) {
	const intake, callback, events = "POST /v1/intake/{source}", "POST /v1/callbacks/{messenger}/{delivery_id}", "POST /v1/events"
	for _, c := range []struct {
		rule, path, mediaType, specVersion string
		refused                            bool
	}{
		{intake, "/v1/intake/alertmanager", "application/json", "", false},
		{intake, "/v1/intake/backup", "application/vnd.x+json", "", false},
		{intake, "/v1/intake/alertmanager", "text/plain", "", true},
		{intake, "/v1/intake/alertmanager", "", "", true},
		{intake, "/v1/intake/alertmanager", "application/x-www-form-urlencoded", "1.0", true},
		{intake, "/v1/intake/backup", "multipart/form-data", "", true},
		{intake, "/v1/intake/cloudevents", "application/cloudevents+json", "", false},
		{intake, "/v1/intake/cloudevents", "application/cloudevents-batch+json", "", false},
		{intake, "/v1/intake/cloudevents", "text/plain", "1.0", false},
		{intake, "/v1/intake/cloudevents", "text/plain", "", true},
		{intake, "/v1/intake/cloudevents", "application/json", "", true},
		{intake, "/v1/intake/cloudevents", "", "", true},
		{events, "/v1/events", "application/json", "", false},
		{events, "/v1/events", "application/cloudevents+json", "", false},
		{events, "/v1/events", "application/cloudevents-batch+json", "", false},
		{events, "/v1/events", "text/plain", "1.0", false},
		{events, "/v1/events", "text/plain", "", true},
		{events, "/v1/events", "", "", true},
		{callback, "/v1/callbacks/twilio/1", "application/x-www-form-urlencoded", "", false},
		{callback, "/v1/callbacks/twilio/1", "text/plain", "", true},
		{callback, "/v1/callbacks/twilio/1", "", "", true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, nil)
		r.Header.Set("Ce-Specversion", c.specVersion)
		if err := edge.RESTRules[c.rule].BodyType(r, c.mediaType); (err != nil) != c.refused {
			t.Errorf("%s as %q: %v", c.path, c.mediaType, err)
		}
	}
}
