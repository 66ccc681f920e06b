package edge

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// outcomeOK is the outcome of a call without an error; others are codes.
const outcomeOK = "ok"

// An AuditLog stores audit entries. An entry that is recorded twice is listed once.
type AuditLog interface {
	RecordAuditEntries(context.Context, *accessv1.RecordAuditEntriesRequest) (*accessv1.RecordAuditEntriesResponse, error)
}

// AuditMetrics counts audit entries.
type AuditMetrics interface {
	// AuditRecorded counts entries that were stored.
	AuditRecorded(n int)
	// AuditDropped counts entries that were not stored, because the buffer was full or the process
	// ended.
	AuditDropped(n int)
}

// An AuditRecorder records the calls of methods with an audit policy: in the log of the
// process, and in the audit log. A call never fails because its entry cannot be stored; the
// entry waits in a bounded buffer until the audit log responds again. It is safe for concurrent
// use.
type AuditRecorder struct {
	// Off reports whether no audit log was ever known, so that calls are not recorded. nil means
	// that there is one.
	Off func() bool

	methods map[string]*auditedMethod // by procedure; nil for a method whose calls are not recorded
	batched bool
	now     func() time.Time
	log     *slog.Logger
	buffer  *auditBuffer

	prefix  string // of ids, random for each process
	counter atomic.Uint64
}

// An auditedMethod is a method whose calls are recorded.
type auditedMethod struct {
	name     string // of the method in entries
	sync     bool   // AUDIT_SYNC
	resource policy.Resource
}

// NewAuditRecorder returns a recorder of methods, which writes to audit. With batched it also
// records AUDIT_BATCHED methods, whose calls other stores hold: without callers their entries
// would say nothing more.
func NewAuditRecorder(methods policy.Table, audit AuditLog, batched bool, metrics AuditMetrics, now func() time.Time, log *slog.Logger) *AuditRecorder {
	r := &AuditRecorder{
		methods: map[string]*auditedMethod{}, batched: batched, now: now, log: log, prefix: rand.Text()[:8],
		buffer: newAuditBuffer(audit, metrics, log),
	}
	for procedure, m := range methods {
		r.methods[procedure] = r.newMethod(procedure, m.Policy)
	}
	return r
}

// newMethod returns a method, or nil if its calls are not recorded.
func (r *AuditRecorder) newMethod(procedure string, p policy.Policy) *auditedMethod {
	if p.Audit != policy.AuditSync && (p.Audit != policy.AuditBatched || !r.batched) {
		return nil
	}
	return &auditedMethod{strings.TrimPrefix(procedure, "/"), p.Audit == policy.AuditSync, p.Resource}
}

// methodOf returns a method of the edge itself or of a joined service, or nil if its calls are
// not recorded.
func (r *AuditRecorder) methodOf(ctx context.Context, procedure string) *auditedMethod {
	if m, ok := r.methods[procedure]; ok {
		return m
	}
	if joined := joinedMethodOf(rpc.InfoOf(ctx)); joined != nil {
		return joined.audited
	}
	return nil
}

// Run stores entries in batches until ctx ends, and then the remaining ones.
func (r *AuditRecorder) Run(ctx context.Context) error { return r.buffer.run(ctx) }

// Interceptor returns the interceptor that records calls. A call that fails is recorded with the
// code of its error.
func (r *AuditRecorder) Interceptor() connect.Interceptor {
	return connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			res, err := next(ctx, req)
			if m := r.methodOf(ctx, req.Spec().Procedure); m != nil {
				r.record(ctx, m.sync, m.sync || err != nil, r.entry(ctx, m, req, res, err))
			}
			return res, err
		}
	})
}

// RecordCall records a call of a method that was not made by a protocol of RPC, as a page does.
// res may be nil if err is not.
func (r *AuditRecorder) RecordCall(ctx context.Context, procedure string, req, res proto.Message, err error) {
	m := r.methodOf(ctx, procedure)
	if m == nil {
		return
	}
	entry := r.newEntry(ctx, m, outcomeOK)
	if err != nil {
		entry.Outcome, res = rpc.CodeOf(err).String(), nil
	}
	entry.Resource = m.resource.Name(req, res)
	r.record(ctx, m.sync, m.sync || err != nil, entry)
}

// Refused records a call that was refused to a caller before its request was read.
func (r *AuditRecorder) Refused(ctx context.Context, procedure string) {
	if m := r.methodOf(ctx, procedure); m != nil { // it has changed nothing that must be on record first
		r.record(ctx, false, true, r.newEntry(ctx, m, connect.CodePermissionDenied.String()))
	}
}

// entry returns the entry of a call.
func (r *AuditRecorder) entry(ctx context.Context, m *auditedMethod, req connect.AnyRequest, res connect.AnyResponse, err error) *accessv1.AuditEntry {
	outcome := outcomeOK
	var response proto.Message
	if err != nil {
		outcome = rpc.CodeOf(err).String()
	} else {
		response, _ = res.Any().(proto.Message)
	}
	entry := r.newEntry(ctx, m, outcome)
	if request, ok := req.Any().(proto.Message); ok {
		entry.Resource = m.resource.Name(request, response)
	}
	return entry
}

// A timedEntry is an entry and its time in one allocation.
type timedEntry struct {
	entry accessv1.AuditEntry
	time  timestamppb.Timestamp
}

// newEntry returns an entry without a resource.
func (r *AuditRecorder) newEntry(ctx context.Context, m *auditedMethod, outcome string) *accessv1.AuditEntry {
	now := r.now()
	timed := &timedEntry{}
	timed.time.Seconds, timed.time.Nanos = now.Unix(), int32(now.Nanosecond())
	entry := &timed.entry
	entry.Id, entry.Time, entry.Procedure, entry.Outcome = r.nextID(), &timed.time, m.name, outcome
	if caller, ok := auth.CallerOf(ctx); ok {
		entry.Caller, entry.CallerName = caller.ID, caller.Name
	}
	if info := rpc.InfoOf(ctx); info != nil {
		entry.RequestId, entry.TraceId = info.ID, info.TraceID
		if info.Client.IsValid() {
			entry.Address = info.Client.String()
		}
	}
	return entry
}

// nextID returns an id of 20 characters. Those of one process are in the order of their calls.
func (r *AuditRecorder) nextID() string {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], r.counter.Add(1))
	id := append(make([]byte, 0, 20), r.prefix...)
	return string(hex.AppendEncode(id, number[2:]))
}

// record logs an entry and stores it, with sync before it returns. Successful calls of methods
// that are called often are logged at level debug, others loudly.
func (r *AuditRecorder) record(ctx context.Context, sync, loud bool, entry *accessv1.AuditEntry) {
	if r.Off != nil && r.Off() {
		return
	}
	level := slog.LevelDebug
	if loud {
		level = slog.LevelInfo
	}
	if r.log.Enabled(ctx, level) {
		logAuditEntry(ctx, r.log, level, entry)
	}
	if sync {
		r.buffer.store(ctx, entry)
	} else {
		r.buffer.add(entry, false)
	}
}

// logAuditEntry logs an entry, without its empty fields.
func logAuditEntry(ctx context.Context, log *slog.Logger, level slog.Level, entry *accessv1.AuditEntry) {
	attributes := make([]slog.Attr, 0, 9)
	for _, a := range [...]struct{ name, value string }{
		{"id", entry.GetId()},
		{"caller", entry.GetCaller()},
		{"caller_name", entry.GetCallerName()},
		{"address", entry.GetAddress()},
		{"procedure", entry.GetProcedure()},
		{"resource", entry.GetResource()},
		{"outcome", entry.GetOutcome()},
		{"request_id", entry.GetRequestId()},
		{"trace_id", entry.GetTraceId()},
	} {
		if a.value != "" {
			attributes = append(attributes, slog.String(a.name, a.value))
		}
	}
	log.LogAttrs(ctx, level, "audit", attributes...)
}
