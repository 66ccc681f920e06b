package rpc

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A route is one google.api.http binding of a method.
type route struct {
	RESTRule
	method   string // HTTP method
	template string // as in the Protobuf file
	segments []pathSegment
	verb     string // after the last colon of the template; empty for none
	input    protoreflect.MessageDescriptor
	body     string // the field that the body holds, "*" for all fields, "" for none
	raw      bool   // the body is a google.api.HttpBody: of any type, and not parsed

	pattern      string // method and template, as in RESTRules
	procedure    string // the path of the method in Connect
	responseBody string // the field that is the body of the response, "" for all fields
	direct       bool   // as isDirect returns
	events       bool   // the method streams: the response is a stream of Server-Sent Events
	types        Types  // of the details of errors; nil for those of the program
}

// A pathSegment of a path is a literal or a field.
type pathSegment struct{ literal, field string }

// routes are the routes of a port.
type routes struct {
	bySegments map[int][]*route  // by the number of segments of their paths
	fixed      map[string]*route // without fields, by method and path as in "POST/v1/things"
}

// add adds the routes of a service with its types.
func (rs *routes) add(routes []*route, types Types) {
	if rs.bySegments == nil {
		rs.bySegments, rs.fixed = map[int][]*route{}, map[string]*route{}
	}
	for _, r := range routes {
		r.types = types
		rs.bySegments[len(r.segments)] = append(rs.bySegments[len(r.segments)], r)
		if !strings.Contains(r.template, "{") {
			rs.fixed[r.method+r.template] = r
		}
	}
}

// routesOf returns the routes of a service. It returns an error for a REST path that is not
// supported, such as that of a method that streams requests.
func routesOf(service protoreflect.ServiceDescriptor, rules RESTRules) ([]*route, error) {
	var all []*route
	methods := service.Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
		if rule == nil {
			continue
		}
		for _, binding := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
			r, err := newRoute(m, binding, rules)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.FullName(), err)
			}
			all = append(all, r)
		}
	}
	return all, nil
}

func newRoute(m protoreflect.MethodDescriptor, rule *annotations.HttpRule, rules RESTRules) (*route, error) {
	input := m.Input()
	r := &route{
		input: input, body: rule.GetBody(), responseBody: rule.GetResponseBody(),
		procedure: "/" + string(m.Parent().FullName()) + "/" + string(m.Name()),
	}
	for method, template := range map[string]string{
		http.MethodGet: rule.GetGet(), http.MethodPut: rule.GetPut(), http.MethodPost: rule.GetPost(),
		http.MethodDelete: rule.GetDelete(), http.MethodPatch: rule.GetPatch(),
	} {
		if template != "" {
			r.method, r.template = method, template
		}
	}
	path, ok := strings.CutPrefix(r.template, "/")
	if !ok || strings.ContainsAny(path, "=*") {
		return nil, fmt.Errorf("path template %q is not supported", r.template)
	}
	path, r.verb, _ = strings.Cut(path, ":")
	for _, s := range strings.Split(path, "/") {
		if field, ok := strings.CutPrefix(s, "{"); ok {
			r.segments = append(r.segments, pathSegment{field: strings.TrimSuffix(field, "}")})
		} else {
			r.segments = append(r.segments, pathSegment{literal: s})
		}
	}
	if field := input.Fields().ByName(protoreflect.Name(r.body)); field != nil && field.Message() != nil {
		r.raw = field.Message().FullName() == "google.api.HttpBody"
	}
	r.pattern = r.method + " " + r.template
	r.RESTRule = rules[r.pattern]
	r.direct = r.isDirect()
	if r.events = m.IsStreamingServer() || m.IsStreamingClient(); r.events {
		if err := r.checkEvents(m); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// A routeMatch is the result of matching the path of a request.
type routeMatch struct {
	*route          // nil for an unknown path or method
	path   string   // for the transcoder: percent-encoded, without a trailing slash
	allow  []string // without a route: the methods of the path, sorted
	legacy bool     // the path is of a legacy rule
}

// match returns the route of a request by its percent-encoded path. It returns an error
// with the name of the field for a path value that is not UTF-8.
//
// A colon starts a verb if the path has a verb of this name, and belongs to the value if not.
func (rs *routes) match(method, path string) (m routeMatch, err error) {
	if r, ok := rs.fixed[method+path]; ok { // the path of most requests
		return routeMatch{route: r, path: path, legacy: r.Legacy}, nil
	}
	trimmed := strings.TrimSuffix(path, "/")
	values := strings.Split(strings.TrimPrefix(trimmed, "/"), "/")
	last := values[len(values)-1]
	verb := ""
	if colon := strings.LastIndexByte(last, ':'); colon >= 0 && rs.hasVerb(len(values), last[colon+1:]) {
		verb, values[len(values)-1] = last[colon+1:], last[:colon]
	}
	for i, v := range values {
		if values[i], err = url.PathUnescape(v); err != nil {
			return m, fault.WithReason(fault.InvalidField("path", "%w", err), reasonMalformed)
		}
	}
	asked := method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, r := range rs.bySegments[len(values)] {
		if r.verb != verb || !r.matches(values) || path != trimmed && !r.Legacy {
			continue
		}
		m.legacy = m.legacy || r.Legacy
		if r.method == method && (method == asked || !r.events) {
			m.route, m.legacy, m.allow = r, r.Legacy, nil
			m.path, err = r.fill(values)
			return m, err
		}
		m.allow = append(m.allow, r.method)
		if r.method == http.MethodGet && !r.events {
			m.allow = append(m.allow, http.MethodHead)
		}
	}
	slices.Sort(m.allow)
	return m, nil
}

func (rs *routes) hasVerb(segments int, verb string) bool {
	return verb != "" && slices.ContainsFunc(rs.bySegments[segments], func(r *route) bool { return r.verb == verb })
}

// matches reports whether the segments of a path match those of r.
func (r *route) matches(values []string) bool {
	for i, s := range r.segments {
		if s.field == "" && s.literal != values[i] || s.field != "" && values[i] == "" {
			return false
		}
	}
	return true
}

// fill returns the path of r with values.
func (r *route) fill(values []string) (string, error) {
	var path strings.Builder
	for i, s := range r.segments {
		path.WriteByte('/')
		switch {
		case s.field == "":
			path.WriteString(s.literal)
		case !utf8.ValidString(values[i]):
			return "", fault.InvalidField(s.field, "not valid UTF-8 in the path")
		default:
			path.WriteString(strings.ReplaceAll(url.PathEscape(values[i]), ":", "%3A"))
		}
	}
	if r.verb != "" {
		path.WriteString(":" + r.verb)
	}
	return path.String(), nil
}

// rawRulesOf returns the rules of the raw routes of a service by its path in Connect; none
// without a descriptor, which mountREST reports.
func rawRulesOf(path string, all RESTRules) []RESTRule {
	service, err := linkedService(strings.Trim(path, "/"))
	if err != nil {
		return nil
	}
	found, err := routesOf(service, all)
	if err != nil {
		return nil
	}
	var rules []RESTRule
	for _, r := range found {
		if r.raw {
			rules = append(rules, r.RESTRule)
		}
	}
	return rules
}
