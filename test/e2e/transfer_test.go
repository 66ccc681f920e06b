package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// TestImport imports more users than a usual request may hold, through the edge, and
// notifies them. An export imports without changes, also one in the clear by the seal
// key file.
func TestImport(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		const many = 8000
		var text strings.Builder
		text.WriteString("nickname,messenger,destination,credential,groups\n")
		for i := range many {
			fmt.Fprintf(&text, "someone%d,slack,CHANNEL%d,SECRET-%0100d,team%d\n", i, i, i, i/4)
		}
		if text.Len() < 1<<20 {
			t.Fatalf("the file has only %d bytes", text.Len())
		}
		dir := t.TempDir()
		file := func(name, text string) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		to := "--server=" + d.edge
		if output := bongsu(t, "import", to, file("people.csv", text.String())); !strings.Contains(output, "8000") || strings.Contains(output, "SECRET") {
			t.Errorf("import: %s", output)
		}
		for name, args := range map[string][]string{
			"bare.yaml":   nil,
			"bare.csv":    {"--format=csv"},
			"sealed.yaml": {"--with-secrets"},
			"open.csv":    {"--with-secrets", "--format=csv", "--open-with=" + d.key},
		} {
			out := bongsu(t, append([]string{"export", to}, args...)...)
			if strings.Contains(out, "SECRET-") != (name == "open.csv") {
				t.Errorf("%s: wrong presence of secrets", name)
			}
			if output := bongsu(t, "import", to, "--prune", file(name, out)); !strings.Contains(output, "nothing was changed") {
				t.Errorf("%s: %s", name, output)
			}
		}
		id := d.send(t, `{"target":["@@team7","@user1"],"message":"node1 down"}`).ID
		ds := d.ended(t, id)
		for _, delivery := range ds {
			if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
				t.Errorf("%s is %s", delivery.GetNickName(), delivery.GetState())
			}
		}
		if len(ds) != 5 {
			t.Errorf("%d were notified", len(ds))
		}
	})
}
