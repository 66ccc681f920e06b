package edge

import (
	"context"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ accessv1connect.AccessServiceClient = NoAccess{}

// NoAccess is the access service of an edge that has none: it keeps no keys and no audit log. Its
// errors are fault.ErrUnavailable.
type NoAccess struct {
	accessv1connect.UnimplementedAccessServiceHandler
}

// ErrNoAccess is the error of NoAccess: a fault.ErrUnavailable.
var ErrNoAccess = fault.Unavailablef("this edge has no access service: start one with the same --nats-url, or name it by --access-service-url")

// CreateKey returns an error.
func (NoAccess) CreateKey(context.Context, *accessv1.CreateKeyRequest) (*accessv1.CreateKeyResponse, error) {
	return nil, ErrNoAccess
}

// ListKeys returns an error.
func (NoAccess) ListKeys(context.Context, *accessv1.ListKeysRequest) (*accessv1.ListKeysResponse, error) {
	return nil, ErrNoAccess
}

// RevokeKey returns an error.
func (NoAccess) RevokeKey(context.Context, *accessv1.RevokeKeyRequest) (*accessv1.RevokeKeyResponse, error) {
	return nil, ErrNoAccess
}

// ListAuditEntries returns an error.
func (NoAccess) ListAuditEntries(context.Context, *accessv1.ListAuditEntriesRequest) (*accessv1.ListAuditEntriesResponse, error) {
	return nil, ErrNoAccess
}
