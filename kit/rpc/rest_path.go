package rpc

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// restRoot is the beginning of all REST paths.
const restRoot = "/v1/"

// A RESTPath is a REST path of a method.
type RESTPath struct{ route *route }

// NewRESTPath returns the path of one google.api.http binding of a method of a dynamic service.
// It returns an error for a path that such a service cannot have: outside of /v1/, of a method
// that streams and is not served as Server-Sent Events, with a pattern within a segment, or with
// a body that is no JSON.
func NewRESTPath(m protoreflect.MethodDescriptor, binding *annotations.HttpRule) (RESTPath, error) {
	r, err := newRoute(m, binding, nil)
	switch {
	case err != nil:
		return RESTPath{}, err
	case !strings.HasPrefix(r.template, restRoot):
		return RESTPath{}, fmt.Errorf("path %q does not begin with %s", truncateName(r.template), restRoot)
	case r.raw:
		return RESTPath{}, errors.New("a body of type google.api.HttpBody is not supported")
	}
	return RESTPath{r}, nil
}

// String returns the HTTP method and the template.
func (p RESTPath) String() string { return p.route.pattern }

// Overlaps reports whether one request can have both paths.
func (p RESTPath) Overlaps(other RESTPath) bool {
	a, b := p.route, other.route
	if a.method != b.method || a.verb != b.verb || len(a.segments) != len(b.segments) {
		return false
	}
	for i, s := range a.segments {
		if o := b.segments[i]; s.field == "" && o.field == "" && s.literal != o.literal {
			return false
		}
	}
	return true
}

// RESTPaths returns the REST paths of services.
func RESTPaths(services ...Service) ([]RESTPath, error) {
	var paths []RESTPath
	for _, s := range services {
		if s.rest == nil {
			continue
		}
		service, err := s.descriptor()
		if err != nil {
			return nil, err
		}
		found, err := routesOf(service, s.rest.rules)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			paths = append(paths, RESTPath{r})
		}
	}
	return paths, nil
}
