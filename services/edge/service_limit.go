package edge

import (
	"context"
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1/callbackv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1/intakev1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1/registryv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// serviceWords maps each Protobuf service to the service in --services that does its work.
var serviceWords = map[string]string{
	groupv1connect.GroupServiceName:               "directory",
	userv1connect.UserServiceName:                 "directory",
	userv1connect.TransferServiceName:             "directory",
	alertv1connect.AlertServiceName:               "alert",
	messengerv1connect.MessengerServiceName:       "alert",
	intakev1connect.IntakeServiceName:             "alert",
	callbackv1connect.CallbackServiceName:         "alert",
	accessv1connect.AccessServiceName:             "access",
	alertv1connect.CallbackEndpointServiceName:    "alert",
	eventv1connect.EventServiceName:               "event",
	inboxv1connect.InboxServiceName:               "inbox",
	incidentv1connect.IncidentServiceName:         "incident",
	incidentv1connect.SilenceServiceName:          "incident",
	incidentv1connect.EscalationPolicyServiceName: "incident",
	monitorv1connect.MonitorServiceName:           "monitor",
	monitorv1connect.HeartbeatServiceName:         "monitor",
	monitorv1connect.MaintenanceServiceName:       "monitor",
	registryv1connect.RegistryServiceName:         "edge",
}

// olderWords maps older words for services to their present ones.
var olderWords = map[string]string{"group": "directory"}

// serviceOfWord returns the service that a word of a flag names, and reports whether there is
// one.
func serviceOfWord(word string) (string, bool) {
	if service, ok := olderWords[word]; ok {
		return service, true
	}
	if service, ok := serviceWords[word]; ok { // it shares the limit of its service word
		return service, true
	}
	return word, slices.Contains(limitedServices(), word) || isProtobufService(word)
}

// isProtobufService reports whether a word is the full name of a Protobuf service, such as
// library.v1.BookService: a joined one, of which no service word is known.
func isProtobufService(word string) bool {
	return strings.Contains(word, ".") && protoreflect.FullName(word).IsValid()
}

// limitedServices returns the services that can have a limit, sorted.
func limitedServices() []string {
	return slices.Compact(slices.Sorted(maps.Values(serviceWords)))
}

var _ connect.Interceptor = (*serviceLimits)(nil)

// serviceLimits limit the requests to each service by all callers of this edge. They are the
// interceptor that refuses requests beyond a limit with resource_exhausted.
type serviceLimits struct {
	AdmissionDependencies
	limits map[string]*serviceLimit // by Protobuf service, also of a joined one
}

// A serviceLimit is the limit of a service; its Protobuf services share it.
type serviceLimit struct {
	service string
	rate    ratelimit.Rate
	limiter *rate.Limiter
	headers rateHeaders
}

func newServiceLimits(rates map[string]ratelimit.Rate, d AdmissionDependencies) *serviceLimits {
	s := &serviceLimits{AdmissionDependencies: d, limits: map[string]*serviceLimit{}}
	byService := map[string]*serviceLimit{}
	for service, r := range rates {
		if r.Limited() {
			byService[service] = &serviceLimit{service: service, rate: r, limiter: limiterOf(r), headers: newRateHeaders(service, r)}
		}
	}
	for name, service := range serviceWords {
		if limit := byService[service]; limit != nil {
			s.limits[name] = limit
		}
	}
	for name, limit := range byService {
		if isProtobufService(name) {
			s.limits[name] = limit
		}
	}
	return s
}

// WrapUnary limits a call.
func (s *serviceLimits) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		limit := s.of(req.Spec())
		if limit == nil {
			return next(ctx, req)
		}
		tokens, err := s.take(limit)
		if err != nil {
			return nil, err
		}
		res, err := next(ctx, req)
		if err == nil {
			limit.describe(tokens, res.Header().Add)
		}
		return res, err
	}
}

// WrapStreamingHandler limits a stream, which counts as one request.
func (s *serviceLimits) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if limit := s.of(conn.Spec()); limit != nil {
			tokens, err := s.take(limit)
			if err != nil {
				return err
			}
			limit.describe(tokens, conn.ResponseHeader().Add)
		}
		return next(ctx, conn)
	}
}

// WrapStreamingClient returns next: the interceptor is for handlers.
func (*serviceLimits) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// of returns the limit of a method, or nil.
func (s *serviceLimits) of(spec connect.Spec) *serviceLimit {
	service, _, _ := strings.Cut(strings.TrimPrefix(spec.Procedure, "/"), "/")
	return s.limits[service]
}

// take takes a request from a limit. It returns the number of further ones, or the error of a
// request beyond the limit.
func (s *serviceLimits) take(limit *serviceLimit) (tokens float64, err error) {
	now := s.Now()
	allowed := limit.limiter.AllowN(now, 1)
	tokens = limit.limiter.TokensAt(now)
	if allowed {
		return tokens, nil
	}
	s.Metrics.RefusedRequest(RefusedServiceLimit)
	refusal := limitError(connect.CodeResourceExhausted, RefusedServiceLimit, "too many requests to the "+limit.service+" service: at most "+limit.rate.String()+"; try again later",
		intervalOf(limit.rate, 1-tokens))
	limit.describe(tokens, refusal.Meta().Add)
	return 0, refusal
}

// describe adds the headers of the limit.
func (l *serviceLimit) describe(tokens float64, add func(name, value string)) {
	add(rateLimitPolicyHeader, l.headers.policy[0])
	add(rateLimitHeader, l.headers.of(tokens)[0])
}
