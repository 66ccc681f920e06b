package eventtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// Contract checks the expectations of a consumer of the events of its providers: the files of testdata,
// which are named by the types of events. Each is valid by the schema, and the encoder of the
// providers makes the same data of it. messages are those that the consumer handles. It returns the
// events in the order of messages.
func Contract(t *testing.T, messages ...proto.Message) (events []stream.Event) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != len(messages) {
		t.Fatalf("%d files of %d messages: %v", len(files), len(messages), err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		e := stream.Event{ID: "1", Source: "contract", Type: strings.TrimSuffix(filepath.Base(path), ".json"), Data: data}
		m, err := event.Decode(e)
		if err != nil || m == nil {
			t.Fatalf("%s: %v, %v", path, m, err)
		}
		encoded, err := event.New(m)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if encoded.Type != e.Type || !reflect.DeepEqual(decode(t, encoded.Data), decode(t, data)) {
			t.Errorf("%s: the provider encodes %s %s", path, encoded.Type, encoded.Data)
		}
		encoded.ID = "1"
		events = append(events, encoded)
	}
	order := make([]string, len(messages))
	for i, m := range messages {
		order[i] = string(m.ProtoReflect().Descriptor().Name())
	}
	slices.SortFunc(events, func(a, b stream.Event) int { return slices.Index(order, name(t, a)) - slices.Index(order, name(t, b)) })
	return events
}

// name returns the name of the message of an event.
func name(t *testing.T, e stream.Event) string {
	t.Helper()
	m, err := event.Decode(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(m.ProtoReflect().Descriptor().Name())
}

func decode(t *testing.T, data []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	return value
}
