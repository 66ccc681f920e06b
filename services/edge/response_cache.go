package edge

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/kit/cache"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

var _ connect.Interceptor = (*ResponseCache)(nil)

// uncertainHold is how long no response with the tags of a change is cached whose outcome is
// unknown: it may be executed after the edge has responded. It is more than an abandoned call
// goes on in another process.
const uncertainHold = 10 * time.Second

// CacheMetrics counts calls that read or change cached responses.
type CacheMetrics interface {
	// CachedCall counts a call of a method whose responses are cached. The outcome is hit, miss,
	// shared or bypass.
	CachedCall(procedure, outcome string)
	// InvalidatingCall counts a call that made cached responses stale. acknowledged is false if
	// another edge did not confirm that in time.
	InvalidatingCall(procedure string, acknowledged bool)
}

// A ResponseCache answers calls from memory where the policy of their method allows it, as
// an interceptor and a stage. A call that changes something makes the responses with its tags
// stale in this edge, and in all others, before it is answered.
type ResponseCache struct {
	responses *cache.Cache[*cachedResponse]
	peers     *cache.Peers // nil if there are no other edges
	methods   map[string]*cachedMethod
	metrics   CacheMetrics
}

// A cachedResponse is the response of a method.
type cachedResponse struct {
	*rpc.Encoded
	etag string
}

// NewResponseCache returns an empty cache of at most maxBytes bytes. peers are the other
// edges; nil for none.
func NewResponseCache(maxBytes int64, peers *cache.Peers, metrics CacheMetrics) (*ResponseCache, error) {
	options := cache.Options[*cachedResponse]{MaxBytes: maxBytes, Size: func(r *cachedResponse) int { return r.Size() }}
	if peers != nil {
		options.Fresh = peers.Fresh
	}
	responses, err := cache.New(options)
	if err != nil {
		return nil, err
	}
	methods, err := cachedMethods(responses)
	if err != nil {
		return nil, err
	}
	return &ResponseCache{responses: responses, peers: peers, methods: methods, metrics: metrics}, nil
}

// Run keeps the cache coherent with other edges until ctx ends. Until it runs, and without
// other edges it need not, nothing is cached.
func (c *ResponseCache) Run(ctx context.Context) error {
	if c.peers == nil {
		return nil
	}
	return c.peers.Run(ctx, c.responses)
}

// Len returns the number of responses, stale ones among them, and Bytes the memory that they
// use, roughly.
func (c *ResponseCache) Len() int { return c.responses.Len() }

// Bytes returns the memory of the responses in bytes, roughly.
func (c *ResponseCache) Bytes() int64 { return c.responses.Bytes() }

// Fresh reports whether the cache is in use: all other edges can be heard.
func (c *ResponseCache) Fresh() bool { return c.peers == nil || c.peers.Fresh() }

// Peers returns the number of other edges.
func (c *ResponseCache) Peers() int {
	if c.peers == nil {
		return 0
	}
	return c.peers.Len()
}

// WrapUnary answers a call from the cache, or makes responses stale after it.
func (c *ResponseCache) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		method := c.methodOf(ctx, req.Spec().Procedure)
		switch {
		case method == nil:
			return next(ctx, req)
		case method.policy.Cache != nil:
			return c.read(ctx, req, next, method)
		default:
			return c.change(ctx, req, next, method)
		}
	}
}

// methodOf returns a method of the edge itself or of a joined service, or nil if it neither
// reads nor changes what is cached.
func (c *ResponseCache) methodOf(ctx context.Context, procedure string) *cachedMethod {
	if method, ok := c.methods[procedure]; ok {
		return method
	}
	if joined := joinedMethodOf(rpc.InfoOf(ctx)); joined != nil {
		return joined.cached
	}
	return nil
}

// WrapStreamingHandler returns next: streams are not cached.
func (c *ResponseCache) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// WrapStreamingClient returns next: the interceptor is for handlers.
func (c *ResponseCache) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// read returns the response of a call from the cache or from next.
func (c *ResponseCache) read(ctx context.Context, req connect.AnyRequest, next connect.UnaryFunc, method *cachedMethod) (connect.AnyResponse, error) {
	key, err := method.key(ctx, req)
	if err != nil {
		return nil, err
	}
	result, err := c.responses.Get(ctx, cache.Query[*cachedResponse]{
		Key: key, Tags: method.tags, TTL: method.policy.Cache.TTL,
		Load: func(ctx context.Context) (*cachedResponse, error) {
			res, err := next(ctx, req)
			if err != nil {
				return nil, err
			}
			return newCachedResponse(res.Any())
		},
	})
	c.metrics.CachedCall(req.Spec().Procedure, result.Outcome.String())
	if err != nil {
		return nil, err
	}
	if call, ok := connect.CallInfoForHandlerContext(ctx); ok {
		header := call.ResponseHeader()
		header["Etag"] = []string{result.Value.etag}
		header["Cache-Control"] = []string{"private, no-cache"} // a copy must ask for a 304 each time
		if result.Outcome == cache.Hit {
			header["Age"] = []string{strconv.Itoa(int(result.Age / time.Second))}
		}
	}
	return result.Value.Response(ctx), nil
}

func newCachedResponse(message any) (*cachedResponse, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("response of type %T cannot be cached", message)
	}
	encoded, err := rpc.Encode(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(encoded.Binary())
	// The tag is weak: JSON, Protobuf and compressed responses share it.
	return &cachedResponse{encoded, `W/"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}, nil
}

// change calls next, and makes responses stale before it returns, also after an error or a
// panic: the change may have been executed.
func (c *ResponseCache) change(ctx context.Context, req connect.AnyRequest, next connect.UnaryFunc, method *cachedMethod) (res connect.AnyResponse, err error) {
	hold := uncertainHold
	defer func() {
		c.responses.Invalidate(hold, method.policy.Invalidates...)
		acknowledged := c.peers == nil || c.peers.Announce(ctx, hold, method.policy.Invalidates...)
		c.metrics.InvalidatingCall(req.Spec().Procedure, acknowledged)
	}()
	res, err = next(ctx, req)
	if err == nil || isFinal(err) {
		hold = 0
	}
	return res, err
}

// isFinal reports whether an error is the answer of the service that owns the resource: the
// call does not go on.
func isFinal(err error) bool {
	for _, f := range finalFaults {
		if errors.Is(err, f) {
			return true
		}
	}
	return finalCodes[connect.CodeOf(err)]
}
