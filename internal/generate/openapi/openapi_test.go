package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/bongsu-project/bongsu/gen/openapi"
)

// generated returns the document that the edge serves.
func generated(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.YAML)
	if err != nil {
		t.Fatalf("read the document: %v", err)
	}
	return doc
}

func TestDocumentIsValid(t *testing.T) {
	doc := generated(t)
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("not valid OpenAPI: %v", err)
	}
	if !doc.IsOpenAPI31OrLater() || doc.Info.Title != "Bongsu" || doc.Info.License.Identifier != "Apache-2.0" {
		t.Errorf("openapi %s, title %q, license %+v", doc.OpenAPI, doc.Info.Title, doc.Info.License)
	}
}

// differences returns the paths in which the document and the REST rules of the linked
// methods differ.
func differences(doc *openapi3.T, all map[string]method) []string {
	want := map[string]string{}
	for id, m := range all {
		for _, b := range bindings(m.Rule) {
			want[b.HTTPMethod+" "+b.Path] = id
		}
	}
	got := map[string]string{}
	for _, o := range operations(doc) {
		if strings.Count(o.OperationID, "_") == 1 { // otherwise it is of one intake source
			got[o.verb+" "+o.path] = o.OperationID
		}
	}
	var found []string
	for where, id := range want {
		if got[where] != id {
			found = append(found, fmt.Sprintf("%s is %s, but %q in the document", where, id, got[where]))
		}
	}
	for where, id := range got {
		if want[where] == "" {
			found = append(found, fmt.Sprintf("%s (%s) has no google.api.http rule", where, id))
		}
	}
	slices.Sort(found)
	return found
}

func TestDocumentCoversTheRules(t *testing.T) {
	all := methods()
	if len(all) < 20 {
		t.Fatalf("only %d methods with REST paths are linked: %v", len(all), slices.Sorted(maps.Keys(all)))
	}
	for _, difference := range differences(generated(t), all) {
		t.Error(difference)
	}
}

func TestDifferencesAreFound(t *testing.T) {
	doc := generated(t)
	doc.Paths.Value("/v1/groups").Get = nil
	doc.AddOperation("/v1/secret", "GET", &openapi3.Operation{OperationID: "Secret_Get"})
	got := strings.Join(differences(doc, methods()), "\n")
	want := `GET /v1/groups is GroupService_ListGroups, but "" in the document
GET /v1/secret (Secret_Get) has no google.api.http rule`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNothingInternalIsPublic(t *testing.T) {
	for _, word := range []string{"DispatchService", "DirectoryService", "UserInfo", "MockupService", "sealedCredential"} {
		if strings.Contains(string(openapi.YAML), word) {
			t.Errorf("the document contains %s", word)
		}
	}
}

// TestLegacyResponses checks the statuses and the body shapes of the older service, and of some
// other paths.
func TestLegacyResponses(t *testing.T) {
	doc := generated(t)
	for _, row := range []struct{ verb, path, statuses, body string }{
		{"GET", "/v1/groups", "200 400 401 403 405 408 429 500 503", "[]Group"},
		{"GET", "/v1/groups/{id}", "200 400 401 403 404 405 408 429 500 503", "Group"},
		{"POST", "/v1/groups", "201 400 401 403 405 408 413 415 429 500 503", "Group"},
		{"PUT", "/v1/groups/{id}", "200 400 401 403 404 405 408 413 415 429 500 503", "Group"},
		{"DELETE", "/v1/groups/{id}", "200 400 401 403 404 405 408 429 500 503", "DeleteGroupResponse"},
		{"GET", "/v1/groups/{id}/users", "200 400 401 403 404 405 408 429 500 503", "GroupUsers"},
		{"POST", "/v1/groups/{id}/users", "201 400 401 403 404 405 408 413 415 429 500 503", "GroupUsers"},
		{"DELETE", "/v1/groups/{id}/users/{nick_name}", "200 400 401 403 404 405 408 429 500 503", "RemoveGroupUserResponse"},
		{"POST", "/v1/alerts", "200 400 401 403 405 408 409 413 415 429 500 503", "SendAlertResponse"},
		{"POST", "/v1/users", "201 400 401 403 405 408 413 415 429 500 503", "User"},
		{"POST", "/v1/users/{nick_name}/addresses", "201 400 401 403 404 405 408 413 415 429 500 503", "Address"},
		{"POST", "/v1/intake/alertmanager", "200 400 401 403 404 405 408 413 415 429 500 503", "ReceiveResponse"},
		{"POST", "/v1/keys", "201 400 401 403 405 408 413 415 429 500 503", "CreateKeyResponse"},
		{"POST", "/v1/callbacks/{messenger}/{delivery_id}", "200 400 403 404 405 408 413 415 429 500 503", "CallBackResponse"},
	} {
		op := doc.Paths.Value(row.path).GetOperation(row.verb)
		statuses := slices.Sorted(maps.Keys(op.Responses.Map()))
		if got := strings.Join(statuses, " "); got != row.statuses {
			t.Errorf("%s %s returns %s, want %s", row.verb, row.path, got, row.statuses)
		}
		body := op.Responses.Value(statuses[0]).Value.Content.Get("application/json").Schema
		if got := nameOf(body); got != row.body {
			t.Errorf("%s %s returns a %s, want a %s", row.verb, row.path, got, row.body)
		}
	}
}

// TestSecurity checks what callers of the operations need.
func TestSecurity(t *testing.T) {
	doc := generated(t)
	for _, name := range []string{"bearer", "basic"} {
		if scheme := doc.Components.SecuritySchemes[name]; scheme == nil || scheme.Value.Type != "http" || scheme.Value.Scheme != name {
			t.Errorf("scheme %s is %+v", name, scheme)
		}
	}
	for _, o := range operations(doc) {
		var got []string
		for _, requirement := range *o.Security {
			for _, name := range slices.Sorted(maps.Keys(requirement)) {
				got = append(got, name+":"+strings.Join(requirement[name], ","))
			}
		}
		permission := o.method.policy.Permission
		want := []string{"bearer:" + permission, "basic:" + permission}
		if o.OperationID == "CallbackService_CallBack" { // signed by the provider
			want = nil
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s needs %q, want %q", o.OperationID, got, want)
		}
		if permission != "" && !strings.Contains(o.Description, "Permission: `"+permission+"` (") {
			t.Errorf("%s: the description is %q", o.OperationID, o.Description)
		}
	}
	if got := doc.Paths.Value("/v1/users/{nick_name}").Get.Description; !strings.HasSuffix(got, "Permission: `user.read` (viewer, operator, admin, and the user of this nick_name).") {
		t.Errorf("description of GetUser: %q", got)
	}
}

func nameOf(s *openapi3.SchemaRef) string {
	if len(s.Value.AllOf) > 0 { // with ignoredField
		return nameOf(s.Value.AllOf[0])
	}
	if s.Value.Type.Is("array") {
		return "[]" + nameOf(s.Value.Items)
	}
	return s.Ref[strings.LastIndex(s.Ref, ".")+1:]
}

// TestLegacyRequestBodies checks that the document accepts the request bodies of the
// older service, to the letter, and no others.
func TestLegacyRequestBodies(t *testing.T) {
	doc := generated(t)
	for _, row := range []struct {
		schema string
		value  any
		fits   bool
	}{
		{"bongsu.group.v1.Group", map[string]any{"id": 1.0, "groupName": "test-team1"}, true},
		{"bongsu.group.v1.Group", map[string]any{"id": "1", "groupName": "test-team1"}, false},
		{"bongsu.group.v1.Group", map[string]any{"groupName": "test-team1"}, false},
		{"bongsu.group.v1.GroupUsers", map[string]any{"id": 2.0, "groupName": "test-team2", "userList": []any{
			map[string]any{"id": 2.0, "nickName": "user2"},
		}}, true},
		{"bongsu.group.v1.GroupUsers", map[string]any{"id": 2.0, "groupName": "test-team2"}, false},
		{"bongsu.alert.v1.SendAlertResponse", map[string]any{"userCount": 3.0, "id": "1", "unknownTarget": []any{"@nobody"}}, true},
		{"bongsu.alert.v1.SendAlertResponse", map[string]any{"id": "1", "unknownTarget": []any{}}, false},
		{"bongsu.user.v1.NewAddress", map[string]any{"messenger": "slack", "credential": "x", "destination": "y"}, true},
		{"bongsu.user.v1.NewAddress", map[string]any{"messenger": "slack", "credential": "", "destination": "y"}, true}, // of a messenger without one
		{"bongsu.user.v1.NewAddress", map[string]any{"messenger": "a word too long", "credential": "x", "destination": "y"}, false},
	} {
		err := doc.ValidateSchemaJSON(doc.Components.Schemas[row.schema].Value, row.value)
		if (err == nil) != row.fits {
			t.Errorf("%s %v: fits should be %v: %v", row.schema, row.value, row.fits, err)
		}
	}
}

func TestSendAlertIsBounded(t *testing.T) {
	body := generated(t).Paths.Value("/v1/alerts").Post.RequestBody.Value.Content.Get("application/json").Schema.Value
	slices.Sort(body.Required)
	if !slices.Equal(body.Required, []string{"message", "target"}) {
		t.Errorf("required: %v", body.Required)
	}
	if most := body.Properties["target"].Value.MaxItems; most == nil || *most != 1000 {
		t.Errorf("the limits of targets differ from SendAlertRequest: %v", most)
	}
}
