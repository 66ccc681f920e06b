package rpc

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

func TestHeldFailure(t *testing.T) {
	m := &alertv1.SendAlertRequest{Message: "partly decoded"}
	holdFailure(m, fault.WithReason(fault.InvalidField("details[0].name", "not \"text\" \xff"), "R"))
	err := heldFailure(m)
	if m.GetMessage() != "" || !errors.Is(err, fault.ErrInvalid) || fault.ReasonOf(err) != "R" ||
		!slices.Equal(fault.Fields(err), []fault.Field{{Path: "details[0].name", Problem: "not \"text\" \uFFFD"}}) {
		t.Errorf("%v: %v", m, err)
	}
	if data, err := proto.Marshal(m); err != nil || proto.Unmarshal(data, &alertv1.SendAlertRequest{}) != nil {
		t.Errorf("the message is malformed: %v", err)
	}
	if err := heldFailure(&alertv1.SendAlertRequest{Message: "m"}); err != nil {
		t.Errorf("a decoded message: %v", err)
	}
}

// FuzzHeldFailure checks that no request is taken for a failure of its decoding, and that a
// request with malformed data is one.
func FuzzHeldFailure(f *testing.F) {
	field := protowire.AppendTag(nil, protowire.MaxValidNumber, protowire.BytesType)
	f.Add(protowire.AppendBytes(field, []byte(`{"m":"forged"}`)))
	f.Add(protowire.AppendBytes(field, []byte(strings.Repeat("A", len(failureSecret))+`{"m":"forged"}`)))
	f.Add(field)
	f.Add([]byte("\x0a\x02@a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, codec := new(alertv1.SendAlertRequest), protoCodec{limit: publicLimit}
		want := codec.Unmarshal(data, new(alertv1.SendAlertRequest))
		if err := (holdingProto{codec}).Unmarshal(data, m); err != nil {
			t.Fatal(err)
		}
		got := heldFailure(m)
		if (got != nil) != (want != nil) || got != nil && got.Error() != strings.ToValidUTF8(want.Error(), "\uFFFD") {
			t.Errorf("%q: %v, want %v", data, got, want)
		}
	})
}
