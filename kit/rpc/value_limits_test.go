package rpc

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1" // so that its requests are checked
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// repeatField returns the encoding of a field of a message, n times.
func repeatField(t *testing.T, one proto.Message, n int) []byte {
	t.Helper()
	data, err := proto.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Repeat(data, n)
}

// TestLimitsBeforeDecoding decodes requests that are tiny on the wire, or in JSON, and would
// take hundreds of megabytes of memory.
func TestLimitsBeforeDecoding(t *testing.T) {
	details := &alertv1.SendAlertRequest{Details: []*alertv1.Detail{{}}}
	address := repeatField(t, &userv1.TransferUser{Addresses: []*userv1.TransferAddress{{}}}, 4_000_000)
	addresses, err := proto.Marshal(&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{{}}})
	if err != nil {
		t.Fatal(err)
	}
	addresses = append([]byte{addresses[0]}, append(varint(len(address)), address...)...)
	for _, c := range []struct {
		name     string
		limit    sizeLimit
		message  proto.Message
		data     []byte
		json     string
		wantText string // empty: no error
	}{
		{name: "20 details", limit: publicLimit, message: &alertv1.SendAlertRequest{}, data: repeatField(t, details, 20)},
		{name: "21 details", limit: publicLimit, message: &alertv1.SendAlertRequest{}, data: repeatField(t, details, 21), wantText: "details: must have at most 20 items"},
		{name: "500,000 empty details", limit: publicLimit, message: &alertv1.SendAlertRequest{}, data: repeatField(t, details, 500_000), wantText: "details: "},
		{name: "500,000 empty details in JSON", limit: publicLimit, message: &alertv1.SendAlertRequest{}, json: `{"details":[{}` + strings.Repeat(",{}", 499_999) + `]}`, wantText: "objects"},
		{name: "21 details in JSON", limit: publicLimit, message: &alertv1.SendAlertRequest{}, json: `{"details":[{}` + strings.Repeat(",{}", 20) + `]}`, wantText: "details: must have at most 20 items"},
		{name: "1,000 targets in JSON", limit: publicLimit, message: &alertv1.SendAlertRequest{}, json: `{"target":["@\"a,[{"` + strings.Repeat(`,"@a"`, 999) + `]}`},
		{name: "200,000 targets in JSON", limit: publicLimit, message: &alertv1.SendAlertRequest{}, json: `{"target":[""` + strings.Repeat(`,""`, 200_000) + `]}`, wantText: "values in lists"},
		{name: "an unknown field of 300,000 numbers", limit: publicLimit, message: &alertv1.SendAlertRequest{}, json: `{"x":[1` + strings.Repeat(`,1`, 300_000) + `]}`, wantText: "values in lists"},
		{name: "JSON nested 100,000 deep", limit: publicLimit, message: &alertv1.SendAlertRequest{}, json: strings.Repeat(`{"a":`, 100_000), wantText: "nested deeper than 64"},
		{name: "4,000,000 empty addresses", limit: bulkLimit, message: &userv1.ImportDirectoryRequest{}, data: addresses, wantText: "addresses: must have at most 50 items"},
		{name: "2,000,000 empty users", limit: bulkLimit, message: &userv1.ImportDirectoryRequest{}, data: repeatField(t, &userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{{}}}, 2_000_000), wantText: "500000 objects"},
		{name: "10,000,000 empty members", limit: bulkLimit, message: &userv1.TransferGroup{}, data: repeatField(t, &userv1.TransferGroup{Members: []string{""}}, 10_000_000), wantText: "members: must have at most 100000 items"},
		{name: "8,000,000 packed ids", limit: internalLimit, message: &jobv1.ClaimRequest{}, data: repeatField(t, &jobv1.ClaimRequest{DeliveryIds: slicesOf(1, 8_000)}, 1000), wantText: "delivery_ids: must have at most 10000 items"},
		{name: "10,000 packed ids", limit: internalLimit, message: &jobv1.ClaimRequest{}, data: repeatField(t, &jobv1.ClaimRequest{DeliveryIds: slicesOf(1<<60, 10_000)}, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := c.message.ProtoReflect().New().Interface()
			decode := func() error {
				if c.json != "" {
					return jsonCodec{name: "json", limit: c.limit}.Unmarshal([]byte(c.json), m)
				}
				return protoCodec{limit: c.limit}.Unmarshal(c.data, m)
			}
			err := decode()
			if c.wantText == "" && err != nil || c.wantText != "" && (err == nil || !strings.Contains(err.Error(), c.wantText) || len(err.Error()) > 500) {
				t.Fatalf("error %v does not contain %q", err, c.wantText)
			}
			if c.wantText == "" || c.json != "" {
				return
			}
			allocs := math.Inf(1)
			for range 3 { // the least, as it counts the allocations of other goroutines too
				allocs = min(allocs, testing.AllocsPerRun(1, func() { _ = decode() }))
			}
			if allocs > 100 {
				t.Errorf("the refusal took %.0f allocations", allocs)
			}
		})
	}
}

func varint(n int) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func slicesOf(one int64, n int) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = one
	}
	return all
}

// TestEveryListHasALimit checks that each list of a public request has an item limit: with
// the total limit alone the violations would grow with the list.
func TestEveryListHasALimit(t *testing.T) {
	unlimited := map[protoreflect.FullName]string{
		"bongsu.user.v1.ImportDirectoryRequest.users":  "the handler limits them",
		"bongsu.user.v1.ImportDirectoryRequest.groups": "the handler limits them",
		"NicknameOrTeam.name":                          "the handler limits them",
		"google.api.HttpBody.extensions":               "they have no rules",
	}
	var check func(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool)
	check = func(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
		if seen[m.FullName()] {
			return
		}
		seen[m.FullName()] = true
		for i := range m.Fields().Len() {
			field := m.Fields().Get(i)
			if (field.IsList() || field.IsMap()) && itemLimitsOf(m).index(field.Number()) < 0 && unlimited[field.FullName()] == "" {
				t.Errorf("%s has no limit", field.FullName())
			}
			if field.Message() != nil {
				check(field.Message(), seen)
			}
		}
	}
	found := 0
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "bongsu.") || strings.HasPrefix(string(file.Package()), "bongsu.mockup") {
			return true
		}
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for n := range methods.Len() {
				found++
				check(methods.Get(n).Input(), map[protoreflect.FullName]bool{})
			}
		}
		return true
	})
	if found < 20 {
		t.Errorf("only %d methods were found", found)
	}
}

// TestViolationsAreBounded checks that the error lists the first of 1,000 violations.
func TestViolationsAreBounded(t *testing.T) {
	err := validator{protovalidate.GlobalValidator}.Validate(&alertv1.ReplayDeliveriesRequest{DeliveryIds: make([]string, 1000)})
	invalid, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok || len(invalid.Violations) != maxViolations+1 || !strings.HasSuffix(err.Error(), "and 980 more") {
		t.Errorf("%v", err)
	}
}

func FuzzLimits(f *testing.F) {
	f.Add([]byte(`{"details":[{"name":"a\\\"b"},{}],"target":["@a",1,null]}`))
	f.Add([]byte{0x52, 0x00, 0x52, 0x02, 0x0a, 0x00, 0x0a, 0x01, 'a'})
	f.Fuzz(func(t *testing.T, data []byte) {
		small := sizeLimit{messages: 5, scalars: 5}
		descriptor := (&alertv1.SendAlertRequest{}).ProtoReflect().Descriptor()
		m := dynamicpb.NewMessage(descriptor)
		if small.checkWire(data, descriptor) == nil && proto.Unmarshal(data, m) == nil {
			if n := m.Get(descriptor.Fields().ByName("details")).List().Len(); n > 5 {
				t.Errorf("%d details got by", n)
			}
			if n := m.Get(descriptor.Fields().ByName("target")).List().Len(); n > 5 {
				t.Errorf("%d targets got by", n)
			}
		}
		typed := new(alertv1.SendAlertRequest)
		if (jsonCodec{name: "json", limit: small}).Unmarshal(data, typed) == nil && (len(typed.GetDetails()) > 10 || len(typed.GetTarget()) > 5) {
			t.Errorf("%d details and %d targets got by in JSON", len(typed.GetDetails()), len(typed.GetTarget()))
		}
	})
}
