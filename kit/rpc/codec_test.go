package rpc

import (
	"bytes"
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// FuzzAppendCompact compares appendCompact with json.Compact on the output of protojson.
func FuzzAppendCompact(f *testing.F) {
	for _, text := range []string{"", "node1 down", `a "b" , : c\`, `\\`, `\" x`, "\t\n", "서버 다운", " "} {
		f.Add(text, "prefix")
	}
	f.Fuzz(func(t *testing.T, text, prefix string) {
		message := &alertv1.SendAlertRequest{Message: text, Target: []string{text, "@a"}, Details: []*alertv1.Detail{{Name: text, Value: text}, {}}}
		written, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(message)
		if err != nil {
			t.Skip() // not UTF-8
		}
		want := bytes.NewBufferString(prefix)
		if err := json.Compact(want, written); err != nil {
			t.Fatal(err)
		}
		if got, err := appendCompact([]byte(prefix), written, nil); err != nil || string(got) != want.String() {
			t.Errorf("%s: %s, want %s (%v)", written, got, want, err)
		}
	})
}
