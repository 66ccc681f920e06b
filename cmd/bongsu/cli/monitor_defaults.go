package cli

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

// withDefaults returns settings with the defaults that the service fills in, as their comments in
// the API say, and without values that do not count. Two settings that mean the same are equal then.
func withDefaults(s *monitorv1.MonitorSettings) *monitorv1.MonitorSettings {
	s = proto.CloneOf(s)
	_, check := checkOf(s)
	clearZeros(check.ProtoReflect())
	results := int32(2) // after which the state changes
	if h := s.GetHeartbeat(); h != nil {
		results = 1
		setDefault(&h.Grace, durationpb.New(max(h.GetPeriod().AsDuration()/10, time.Second)))
	} else {
		setDefault(&s.Interval, durationpb.New(time.Minute))
		setDefault(&s.Timeout, durationpb.New(min(10*time.Second, s.GetInterval().AsDuration()/2)))
	}
	if s.GetWindow() > 0 {
		setDefault(&s.Failures, min(results, s.GetWindow()))
	}
	setDefault(&s.Failures, results)
	setDefault(&s.Window, s.GetFailures())
	setDefault(&s.Recoveries, results)
	setDefault(&s.Severity, "critical")
	setDefault(&s.Title, s.GetName())
	switch c := s.GetCheck().(type) {
	case *monitorv1.MonitorSettings_Http:
		setDefault(&c.Http.Method, "GET")
	case *monitorv1.MonitorSettings_Dns:
		setDefault(&c.Dns.Type, "A")
	case *monitorv1.MonitorSettings_Icmp:
		setDefault(&c.Icmp.Count, 3)
	case *monitorv1.MonitorSettings_Tls:
		setDefault(&c.Tls.Days, 14)
	case *monitorv1.MonitorSettings_Process:
		setDefault(&c.Process.MinCount, 1)
	}
	return s
}

// clearZeros clears the durations of a check that are zero, which mean the same as unset ones.
func clearZeros(m protoreflect.Message) {
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		if field.Message() == nil || field.IsList() || !m.Has(field) {
			continue
		}
		if d, ok := m.Get(field).Message().Interface().(*durationpb.Duration); ok && d.AsDuration() == 0 {
			m.Clear(field)
		}
	}
}

// setDefault sets a value that is not set.
func setDefault[T comparable](v *T, value T) {
	var unset T
	if *v == unset {
		*v = value
	}
}

// changedSettings returns the names of the fields in which two settings differ; those of a check of
// the same kind after its kind: http.url.
func changedSettings(stored, set *monitorv1.MonitorSettings) []string {
	return changedFields("", withDefaults(stored).ProtoReflect(), withDefaults(set).ProtoReflect())
}

func changedFields(prefix string, a, b protoreflect.Message) []string {
	var names []string
	for i := range a.Descriptor().Fields().Len() {
		field := a.Descriptor().Fields().Get(i)
		if a.Has(field) == b.Has(field) && a.Get(field).Equal(b.Get(field)) {
			continue
		}
		name := prefix + string(field.Name())
		if field.ContainingOneof() != nil && !field.HasOptionalKeyword() && a.Has(field) && b.Has(field) {
			names = append(names, changedFields(name+".", a.Get(field).Message(), b.Get(field).Message())...)
			continue
		}
		names = append(names, name)
	}
	return names
}
