package access

import (
	"net/netip"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/kit/auth"
)

func keyToWire(k Key) *accessv1.Key {
	return &accessv1.Key{
		Id: k.ID, Name: k.Name, Role: k.Role, NickName: k.Nickname,
		CreateTime: timeToWire(k.CreateTime), ExpireTime: timeToWire(k.ExpireTime), RevokeTime: timeToWire(k.RevokeTime),
		LastUseTime: timeToWire(k.LastUseTime), AllowedAddresses: networksToWire(k.AllowedAddresses),
	}
}

func entryToWire(e AuditEntry) *accessv1.AuditEntry {
	return &accessv1.AuditEntry{
		Id: e.ID, Time: timeToWire(e.Time), Caller: e.Caller, CallerName: e.CallerName, Address: e.Address,
		Procedure: e.Procedure, Resource: e.Resource, Outcome: e.Outcome, RequestId: e.RequestID, TraceId: e.TraceID,
	}
}

func entryFromWire(e *accessv1.AuditEntry) AuditEntry {
	return AuditEntry{
		ID: e.GetId(), Time: timeFromWire(e.GetTime()), Caller: e.GetCaller(), CallerName: e.GetCallerName(), Address: e.GetAddress(),
		Procedure: e.GetProcedure(), Resource: e.GetResource(), Outcome: e.GetOutcome(), RequestID: e.GetRequestId(), TraceID: e.GetTraceId(),
	}
}

func networksToWire(networks []netip.Prefix) []string {
	texts := make([]string, len(networks))
	for i, network := range networks {
		texts[i] = auth.NetworkText(network)
	}
	return texts
}

// timeToWire returns nil for the zero time.
func timeToWire(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFromWire returns the zero time for nil.
func timeFromWire(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
