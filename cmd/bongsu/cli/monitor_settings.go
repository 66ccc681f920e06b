package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

// monitorFlags are the settings of a monitor. Those that are not set stay as they are, or have
// their default.
type monitorFlags struct {
	Title        *string  `placeholder:"TEXT" help:"The title for people; by default the name."`
	Group        *string  `placeholder:"TEXT" help:"The heading on the status page."`
	Interval     *string  `placeholder:"60s" help:"The time between checks, from 1s to 1d. A heartbeat has a period in its place."`
	CheckTimeout *string  `placeholder:"10s" help:"The timeout of one check, at most 60s and the interval."`
	Failures     *string  `placeholder:"2" help:"It is down when this number of the last --window results failed."`
	Window       *string  `placeholder:"2" help:"By default the value of --failures: then so many must fail in a row."`
	Recoveries   *string  `placeholder:"2" help:"It is up again when this number of results in a row passed."`
	Severity     *string  `placeholder:"critical" help:"The severity of its alerts."`
	Target       []string `placeholder:"TARGETS" help:"Who is notified: @user, @@group or @all, repeatable or separated by commas. Nobody by default."`
	By           []string `placeholder:"MESSENGERS" help:"The messengers that notify; all by default."`
	Escalation   *string  `placeholder:"NAME" help:"An escalation policy."`
	Link         *string  `placeholder:"URL" help:"A page for those who are notified, such as a runbook."`
	DependsOn    []string `placeholder:"NAMES" help:"Monitors without which this one cannot be up: while one of them is down, its own failures are unknown, and notify nobody."`
	Public       *bool    `negatable:"" help:"Show it on the status page."`
	With         []string `sep:"none" placeholder:"FIELD=VALUE" help:"A field of the check, such as json_path=$.status; repeatable. An empty value sets the default. Several values of a field are separated by commas."`
	Header       []string `sep:"none" placeholder:"NAME: VALUE" help:"A header of the requests of an http check; repeatable. Without a value it is removed."`
	Secret       []string `sep:"none" placeholder:"FIELD=FILE" help:"A file with a secret of the check: password, credentials, or the name of a header; - reads standard input. Repeatable."`
}

// apply sets the settings of the flags.
func (f monitorFlags) apply(con *console, s *monitorv1.MonitorSettings) error {
	for _, one := range []struct {
		field string
		text  *string
	}{
		{"title", f.Title}, {"group", f.Group}, {"interval", f.Interval}, {"timeout", f.CheckTimeout}, {"failures", f.Failures}, {"window", f.Window},
		{"recoveries", f.Recoveries}, {"severity", f.Severity}, {"escalation", f.Escalation}, {"link", f.Link}, {"target", joined(f.Target)},
		{"by", joined(f.By)}, {"depends_on", joined(f.DependsOn)},
	} {
		if one.text == nil {
			continue
		}
		if err := setFieldText(s, findField(s.ProtoReflect().Descriptor(), one.field), *one.text); err != nil {
			flag := strings.ReplaceAll(one.field, "_", "-")
			if flag == "timeout" {
				flag = "check-timeout"
			}
			return usagef("invalid --%s %q: %s", flag, *one.text, err)
		}
	}
	if f.Public != nil {
		s.Public = *f.Public
	}
	return f.applyCheck(con, s)
}

// joined returns a list as one text, or nil if the flag is not set.
func joined(values []string) *string {
	if values == nil {
		return nil
	}
	return new(strings.Join(values, ","))
}

// applyCheck sets the fields of the check.
func (f monitorFlags) applyCheck(con *console, s *monitorv1.MonitorSettings) error {
	kind, check := checkOf(s)
	for _, with := range f.With {
		name, value, ok := strings.Cut(with, "=")
		field := findField(check.ProtoReflect().Descriptor(), name)
		switch {
		case !ok:
			return usagef("invalid --with %q: use FIELD=VALUE", with)
		case isSecretField(kind, name):
			return usagef("set %s by --secret=%s=FILE: command lines are visible to other users", name, name)
		case field == nil || !isText(field):
			return usagef("a check of kind %s has no field %s; it has %s", kind, name, strings.Join(fieldNames(check.ProtoReflect().Descriptor(), secretFields[kind]), ", "))
		}
		if err := setFieldText(check, field, value); err != nil {
			return usagef("invalid --with %s: %s", name, err)
		}
	}
	for _, header := range f.Header {
		name, value, ok := strings.Cut(header, ":")
		if !ok || kind != "http" {
			return usagef("invalid --header: use 'NAME: VALUE', for a check of kind http")
		}
		setHeader(s.GetHttp(), strings.TrimSpace(name), strings.TrimSpace(value))
	}
	for _, secret := range f.Secret {
		if err := applySecret(con, s, secret); err != nil {
			return err
		}
	}
	return nil
}

// secretFields are the fields of checks that are secrets, by kind, beside the headers of http.
var secretFields = map[string]string{"nats": "credentials", "postgres": "password"}

// isSecretField reports whether a field of a check is a secret.
func isSecretField(kind, name string) bool { return name != "" && secretFields[kind] == name }

// applySecret sets a secret of the check: FIELD=FILE.
func applySecret(con *console, s *monitorv1.MonitorSettings, text string) error {
	name, path, ok := strings.Cut(text, "=")
	kind, check := checkOf(s)
	if !ok || kind != "http" && !isSecretField(kind, name) {
		return usagef("invalid --secret: use password=FILE for a check of kind postgres, credentials=FILE for nats, or a header's NAME=FILE for http")
	}
	secret, err := readSecret(con, path)
	switch {
	case err != nil:
		return fmt.Errorf("--secret of %s: %w", name, err)
	case secret == "":
		return usagef("--secret of %s: %s is empty", name, path)
	case kind == "http":
		setHeader(s.GetHttp(), name, secret)
		return nil
	}
	return setFieldText(check, findField(check.ProtoReflect().Descriptor(), name), secret)
}

// readSecret reads a file, without the line break at its end.
func readSecret(con *console, path string) (string, error) {
	if path == "-" {
		return readAll(con.In, "the secret")
	}
	data, err := os.ReadFile(path)
	return strings.TrimRight(string(data), "\r\n"), err
}

// setHeader sets a header, or removes it if the value is empty.
func setHeader(check *monitorv1.HttpCheck, name, value string) {
	check.Headers = slices.DeleteFunc(check.GetHeaders(), func(h *monitorv1.HttpHeader) bool { return strings.EqualFold(h.GetName(), name) })
	if value != "" {
		check.Headers = append(check.Headers, &monitorv1.HttpHeader{Name: name, Value: value})
	}
}

// A monitorKind is a kind of checks.
type monitorKind struct {
	name string // of the field of MonitorSettings
	what string // the field of the check that the argument after the kind sets
}

// monitorKinds are all kinds, in the order of the help.
var monitorKinds = []monitorKind{
	{"http", "url"}, {"tcp", "address"}, {"dns", "name"}, {"icmp", "host"}, {"grpc", "address"}, {"tls", "address"}, {"host", "disk_path"},
	{"process", "name"}, {"nats", "url"}, {"postgres", "url"}, {"instance", "id"}, {"heartbeat", "period"}, {"system", "value"},
}

// checkField returns the field of MonitorSettings of a kind.
func checkField(kind string) protoreflect.FieldDescriptor {
	field := (&monitorv1.MonitorSettings{}).ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(kind))
	if field == nil || field.ContainingOneof() == nil {
		return nil
	}
	return field
}

// checkOf returns the kind and the check of settings, or an empty kind if they have none.
func checkOf(s *monitorv1.MonitorSettings) (kind string, check proto.Message) {
	m := s.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("check"))
	if field == nil {
		return "", &monitorv1.MonitorSettings{}
	}
	return string(field.Name()), m.Get(field).Message().Interface()
}

// newCheck sets the check of settings to an empty one of a kind, and the field that the kind is
// about.
func newCheck(s *monitorv1.MonitorSettings, kind, what string) error {
	i := slices.IndexFunc(monitorKinds, func(k monitorKind) bool { return k.name == kind })
	if i < 0 {
		names := make([]string, len(monitorKinds))
		for i, k := range monitorKinds {
			names[i] = k.name
		}
		return usagef("unknown kind %q: use %s", kind, strings.Join(names, ", "))
	}
	field := checkField(kind)
	m := s.ProtoReflect()
	m.Set(field, m.NewField(field))
	_, check := checkOf(s)
	if err := setFieldText(check, findField(field.Message(), monitorKinds[i].what), what); err != nil {
		return usagef("invalid %s %q of %s: %s", monitorKinds[i].what, what, kind, err)
	}
	return nil
}

// kindsHelp lists the kinds with the fields of their checks.
func kindsHelp() string {
	var b strings.Builder
	for _, kind := range monitorKinds {
		what := strings.ToUpper(kind.what)
		fields := fieldNames(checkField(kind.name).Message(), kind.what, secretFields[kind.name])
		_, _ = fmt.Fprintf(&b, "\t%-9s %-9s %s\n", kind.name, what, strings.Join(fields, ", "))
	}
	return b.String()
}
