package main

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// TestTableIsCurrent checks that the page has the table of the linked policies.
func TestTableIsCurrent(t *testing.T) {
	services, err := servicesOf(os.DirFS("../../../proto"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := tableOf(services)
	if err != nil {
		t.Fatal(err)
	}
	if rows := strings.Count(table, "\n") - 2; rows < 40 {
		t.Errorf("only %d methods are in the table", rows)
	}
	page, err := os.ReadFile("../../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	if want, err := withTable(string(page), table); err != nil || want != string(page) {
		t.Errorf("the table in docs/access.md is out of date (%v): run make generate", err)
	}
	for _, row := range []string{
		"| AccessService.CreateKey | `POST /v1/keys` | key.write | admin | default |  | `keys/{id}` |",
		"| AlertService.SendAlert | `POST /v1/alerts` | alert.send | sender, admin | default |  | `alerts/{id}`, batched |",
		"| AlertService.WatchAlert |  | alert.read | viewer, operator, admin | none |  |  |",
		"| GroupService.ListGroups | `GET /v1/groups` | group.read | viewer, operator, admin | default | 60 s, shared: group |  |",
		"| GroupService.DeleteGroup | `DELETE /v1/groups/{id}` | group.write | operator, admin | default | invalidates group | `groups/{id}` |",
		"| UserService.GetUser | `GET /v1/users/{nick_name}` | user.read | viewer, operator, admin, the user of `nick_name` | default | 60 s, shared: user |  |",
		"| TransferService.ExportDirectory |  | directory.export | operator, admin | 5 min |  | `directory` |",
		"| CallbackService.CallBack | `POST /v1/callbacks/{messenger}/{delivery_id}` | signature of the provider | nobody needs one | default |  | `callbacks/{messenger}/{delivery_id}`, batched |",
	} {
		if !strings.Contains(table, row+"\n") {
			t.Errorf("the table has no row %s", row)
		}
	}
	for _, name := range []string{"CredentialService", "DispatchService", "DirectoryService", "MockupService"} {
		if strings.Contains(table, name) {
			t.Errorf("the table has the internal service %s", name)
		}
	}
}

func TestWithTable(t *testing.T) {
	for _, c := range []struct{ page, want string }{
		{"a\n" + tableStart + "old\n" + tableEnd + "b\n", "a\n" + tableStart + "\nnew\n" + tableEnd + "b\n"},
		{"a\n", ""},
		{tableStart, ""},
		{tableEnd + tableStart, ""},
	} {
		if got, err := withTable(c.page, "new"); got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q: %q, %v", c.page, got, err)
		}
	}
}

func TestServicesOfUnlinkedFile(t *testing.T) {
	if _, err := servicesOf(fstest.MapFS{"bongsu/x/v1/x.proto": {}}); err == nil || !strings.Contains(err.Error(), "bongsu/x/v1/x.proto") {
		t.Errorf("error is %v", err)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Minute: "60 s", 5 * time.Minute: "5 min", 90 * time.Second: "90 s", 1500 * time.Millisecond: "1.5 s"} {
		if got := duration(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
