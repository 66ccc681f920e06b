package cli

import (
	"bytes"
	"errors"

	"buf.build/go/protovalidate"
	"go.yaml.in/yaml/v3"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

// A monitorFile is the parsed content of a file of monitors.
type monitorFile struct {
	monitors  []monitorEntry
	directory importFile
}

// A monitorEntry is a monitor of a file.
type monitorEntry struct {
	settings *monitorv1.MonitorSettings
	line     int
}

// monitorNode returns the settings of a monitor as YAML.
func monitorNode(s *monitorv1.MonitorSettings) *yaml.Node { return messageNode(s.ProtoReflect()) }

// monitorText returns the settings of a monitor as an entry of a file.
func monitorText(s *monitorv1.MonitorSettings) []byte {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	_ = errors.Join(encoder.Encode(monitorNode(s)), encoder.Close()) // to memory, of texts only
	return out.Bytes()
}

// readMonitorFile parses a file of monitors, and of people and groups, in YAML and returns its
// problems: unknown fields, values of a wrong type, and settings that the service would refuse.
func readMonitorFile(in []byte) (f monitorFile, ps fileProblems, err error) {
	err = readDocument(in, &ps, "monitors, users and groups", func(r *yamlReader) map[string]func(*yaml.Node) {
		known := r.directoryFields(&f.directory)
		known["monitors"] = func(n *yaml.Node) {
			r.list(n, "monitors", func(n *yaml.Node) {
				s := &monitorv1.MonitorSettings{}
				before := ps.count
				r.message(n, "a monitor", s.ProtoReflect())
				if ps.count == before {
					checkMonitor(&ps, n.Line, s)
				}
				f.monitors = append(f.monitors, monitorEntry{s, n.Line})
			})
		}
		return known
	})
	lines := map[string]int{}
	for _, m := range f.monitors {
		name := m.settings.GetName()
		if first, ok := lines[name]; ok && name != "" {
			ps.addf(m.line, "monitor %s is in line %d too", name, first)
		}
		lines[name] = m.line
	}
	return f, ps, err
}

// checkMonitor records the problems of the settings of a monitor by the rules of the API.
func checkMonitor(ps *fileProblems, line int, s *monitorv1.MonitorSettings) {
	if s.GetName() == "" {
		ps.addf(line, "a monitor has no name")
		return
	}
	invalid, ok := errors.AsType[*protovalidate.ValidationError](protovalidate.Validate(s))
	if !ok {
		return
	}
	for _, v := range invalid.Violations {
		field := protovalidate.FieldPathString(v.Proto.GetField())
		if field == "check" {
			ps.addf(line, "monitor %s has no check, such as http", s.GetName())
			continue
		}
		ps.addf(line, "monitor %s: %s: %s", s.GetName(), field, v.Proto.GetMessage())
	}
}
