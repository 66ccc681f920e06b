package edge

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/bongsu-project/bongsu/kit/cache"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// finalFaults and finalCodes are the errors after which a call does not go on.
var (
	finalFaults = []error{fault.ErrInvalid, fault.ErrNotFound, fault.ErrExists}
	finalCodes  = map[connect.Code]bool{
		connect.CodeInvalidArgument: true, connect.CodeNotFound: true, connect.CodeAlreadyExists: true,
		connect.CodePermissionDenied: true, connect.CodeUnauthenticated: true, connect.CodeFailedPrecondition: true,
		connect.CodeOutOfRange: true, connect.CodeUnimplemented: true,
	}
)

// A cachedMethod is a method whose responses are cached, or that makes some stale.
type cachedMethod struct {
	name   string // the procedure and, for a joined service, its version
	policy policy.Policy
	tags   []*cache.Tag // of its responses
}

// cachedMethods returns the methods of all services of this program, by procedure; nil for one
// that neither reads nor changes what is cached.
func cachedMethods(responses *cache.Cache[*cachedResponse]) (map[string]*cachedMethod, error) {
	methods := map[string]*cachedMethod{}
	var errs []error
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method, err := newCachedMethod(service.Methods().Get(j), responses)
				if err != nil {
					errs = append(errs, err)
				}
				methods[policy.Procedure(service.Methods().Get(j))] = method
			}
		}
		return true
	})
	return methods, errors.Join(errs...)
}

// newCachedMethod returns a method, or nil for one that neither reads nor changes what is
// cached, such as a method without a policy.
func newCachedMethod(method protoreflect.MethodDescriptor, responses *cache.Cache[*cachedResponse]) (*cachedMethod, error) {
	p, err := policy.Of(method)
	switch {
	case errors.Is(err, policy.ErrMissing):
		return nil, nil //nolint:nilnil // nil is none
	case err != nil:
		return nil, err
	case p.Cache == nil && len(p.Invalidates) == 0:
		return nil, nil //nolint:nilnil // nil is none
	}
	return cachedMethodOf(policy.Procedure(method), p, responses), nil
}

// cachedMethodOf returns a method with a policy that reads or changes what is cached. name
// starts the keys of its responses.
func cachedMethodOf(name string, p policy.Policy, responses *cache.Cache[*cachedResponse]) *cachedMethod {
	m := &cachedMethod{name: name, policy: p}
	if p.Cache != nil {
		for _, tag := range p.Cache.Tags {
			m.tags = append(m.tags, responses.Tag(tag))
		}
	}
	return m
}

// key returns the key of a call: the method, the caller where each has responses of their
// own, and the request.
func (m *cachedMethod) key(ctx context.Context, req connect.AnyRequest) (string, error) {
	message, ok := req.Any().(proto.Message)
	if !ok {
		return "", fmt.Errorf("request of type %T cannot be cached", req.Any())
	}
	key := make([]byte, 0, len(m.name)+64)
	key = append(append(key, m.name...), 0)
	if info := rpc.InfoOf(ctx); !m.policy.Cache.Shared && info != nil {
		key = append(key, info.Caller...)
	}
	key, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(append(key, 0), message)
	if err != nil {
		return "", fmt.Errorf("encode request: %w", err)
	}
	return string(key), nil
}
