package edge

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// maxReasonBytes limits the reason in a log line, which quotes data of another process.
const maxReasonBytes = 1000

// errInternalService is the reason of a service that is not for outside callers.
var errInternalService = errors.New("its policy says that it is internal")

// A joinedService is a Protobuf service of other processes. It is used by Joined.Run only.
type joinedService struct {
	name     string
	known    bool   // to this program, as one that is not routed
	joined   int    // the position among the services that have joined; 0 for never
	routed   bool   // service is served
	reason   string // of its state; empty if it is routed without a problem
	accepted string // the reason of the latest descriptors, without that of a later read

	target   string    // the id of the newest instance
	settled  string    // the target whose descriptors are read
	failures int       // reads that failed since target is the newest
	retry    time.Time // of the next read
	reading  bool

	descriptors *descriptors
	instance    discovery.Instance // that sent them
	service     rpc.Service
	paths       []takenPath
}

// procedures returns the paths of the methods, sorted.
func (s *joinedService) procedures() []string {
	return slices.Sorted(maps.Keys(s.service.Attachments))
}

// build builds the service of its descriptors. Its error is the reason why the service may not
// be routed; then it keeps its paths.
func (j *Joined) build(s *joinedService) (err error) {
	defer func() { // the data is that of another process
		if p := recover(); p != nil {
			err = fmt.Errorf("broken descriptors: %v", p)
		}
	}()
	descriptor, files, err := s.descriptors.build()
	if err != nil {
		return err
	}
	if _, err := joinedPolicies(descriptor, j.reserved); err != nil {
		return err
	}
	taken := slices.Clone(j.paths)
	for _, other := range j.ordered() {
		if other != s {
			taken = append(taken, other.paths...)
		}
	}
	paths, refused := splitPaths(descriptor, taken)
	service, err := j.newService(s, descriptor, files, refused)
	if err != nil && len(paths) > 0 { // because of the paths, or else it fails again
		paths, refused = nil, allPaths(descriptor, err.Error())
		service, err = j.newService(s, descriptor, files, refused)
	}
	if err != nil {
		return err
	}
	for _, r := range refused {
		j.config.Log.Warn("REST path of a joined service is not served", "service", s.name, "method", r.method, "path", truncate(r.path, maxPathBytes), "reason", truncate(r.reason, maxReasonBytes))
	}
	s.service, s.paths, s.routed = service, paths, true
	return nil
}

// newService returns the service without refused paths.
func (j *Joined) newService(s *joinedService, descriptor protoreflect.ServiceDescriptor, files *protoregistry.Files, refused []refusedPath) (rpc.Service, error) {
	if len(refused) > 0 {
		var err error
		if descriptor, files, err = s.descriptors.withoutPaths(refused).build(); err != nil {
			return rpc.Service{}, err
		}
	}
	service, err := rpc.Dynamic(j.options, rpc.DynamicSchema{Service: descriptor, Files: files}, rpc.Upstream{
		Client: j.config.Client, URL: j.config.BaseURL, Options: joinedOptions(s.upstream(), j.config),
	})
	if err != nil {
		return rpc.Service{}, err
	}
	if err := new(rpc.ServiceSet).Replace(service); err != nil {
		return rpc.Service{}, err
	}
	methods, err := joinedPolicies(descriptor, j.reserved) // of this descriptor: they hold its fields
	if err != nil {
		return rpc.Service{}, err
	}
	service.Attachments = j.edge.newJoinedMethods(methods, s.descriptors.version)
	return service, nil
}

// upstreamNames are well-formed names of instances.
var upstreamNames = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// upstream returns the name of the service in the errors of callers.
func (s *joinedService) upstream() string {
	if upstreamNames.MatchString(s.instance.Name) {
		return s.instance.Name
	}
	return s.name
}
