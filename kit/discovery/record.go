package discovery

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	registryv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
)

const (
	// instancePrefix begins the key of an instance's own record: instances.<id>.
	instancePrefix = "instances."
	// failingPrefix begins the key of a report: failing.<id>.<reporter>.
	failingPrefix = "failing."
	// maxRecordSize is the size of the largest record, in bytes.
	maxRecordSize = 96 << 10
)

// unknownState is the reason of an instance whose state this version does not know.
const unknownState = "its state is unknown to this version"

// A record is what a key of the bucket holds: an instance as it describes itself, or the
// report of another process about it.
type record struct {
	instance Instance
	reporter string // empty if the record is the instance's own
}

func instanceKey(id string) string { return instancePrefix + id }

func failingKey(id, reporter string) string { return failingPrefix + id + "." + reporter }

// encodeInstance returns the record of an instance: the JSON of a registry.v1.Instance.
func encodeInstance(instance Instance) ([]byte, error) {
	message := &registryv1.Instance{
		Id: instance.ID, Name: instance.Name, Url: instance.URL, Services: instance.Services, Version: instance.Version,
		State: stateToProto(instance.State), Reason: instance.Reason, Host: instance.Host,
	}
	if !instance.Start.IsZero() {
		message.StartTime = timestamppb.New(instance.Start)
	}
	return protojson.Marshal(message)
}

// encodeReport returns the record of a report.
func encodeReport(id, reason string) ([]byte, error) {
	return protojson.Marshal(&registryv1.Instance{Id: id, State: registryv1.InstanceState_INSTANCE_STATE_FAILING, Reason: reason})
}

// decodeRecord returns the record of a key. It ignores unknown fields, so that a newer version
// may add some, and returns an error for a record that no version writes.
func decodeRecord(key string, value []byte) (record, error) {
	if len(value) > maxRecordSize {
		return record{}, fmt.Errorf("record is larger than %d bytes", maxRecordSize)
	}
	var message registryv1.Instance
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(value, &message); err != nil {
		return record{}, err
	}
	if id, ok := strings.CutPrefix(key, instancePrefix); ok {
		instance, err := instanceFromProto(&message)
		if err == nil && instance.ID != id {
			err = fmt.Errorf("record of instance %q has the key of another one", instance.ID)
		}
		return record{instance: instance}, err
	}
	id, reporter, ok := strings.Cut(strings.TrimPrefix(key, failingPrefix), ".")
	if !ok || !strings.HasPrefix(key, failingPrefix) || id != message.GetId() || !idPattern.MatchString(id) || !idPattern.MatchString(reporter) {
		return record{}, fmt.Errorf("key is neither that of instance %q nor of a report about it", message.GetId())
	}
	return record{Instance{ID: id, State: Failing, Reason: cleanReason(message.GetReason())}, reporter}, nil
}

func instanceFromProto(message *registryv1.Instance) (Instance, error) {
	instance := Instance{
		ID: message.GetId(), Name: message.GetName(), URL: message.GetUrl(), Services: message.GetServices(), Version: message.GetVersion(),
		Reason: message.GetReason(), Host: message.GetHost(),
	}
	switch message.GetState() {
	case registryv1.InstanceState_INSTANCE_STATE_SERVING:
		instance.State = Serving
	case registryv1.InstanceState_INSTANCE_STATE_DRAINING:
		instance.State = Draining
	case registryv1.InstanceState_INSTANCE_STATE_FAILING:
		instance.State = Failing
	default:
		instance.State, instance.Reason = Failing, unknownState
	}
	if start := message.GetStartTime(); start != nil {
		if err := start.CheckValid(); err != nil {
			return Instance{}, err
		}
		instance.Start = start.AsTime()
	}
	return instance.normalized()
}

func stateToProto(state State) registryv1.InstanceState {
	switch state {
	case Draining:
		return registryv1.InstanceState_INSTANCE_STATE_DRAINING
	case Failing:
		return registryv1.InstanceState_INSTANCE_STATE_FAILING
	default:
		return registryv1.InstanceState_INSTANCE_STATE_SERVING
	}
}
