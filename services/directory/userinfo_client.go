package directory

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/gen/go/userinfo"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/packaged/packagedconnect"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/userinfoconnect"
)

// A UserInfoClient calls the UserInfo of another system, which serves it with the
// package of the older service or without one. It caches the service name that was
// served last, so that a second call is needed only after the other system was
// replaced.
type UserInfoClient struct {
	names [2]namedUserInfo
	last  atomic.Int32 // index of the name that was served last
	log   *slog.Logger
}

type namedUserInfo struct {
	service string
	client  userinfoconnect.UserInfoClient
}

// NewUserInfoClient returns a client of the system at url, by gRPC. It calls the packaged name
// first.
func NewUserInfoClient(client connect.HTTPClient, url string, log *slog.Logger, options ...connect.ClientOption) *UserInfoClient {
	options = append(slices.Clone(options), connect.WithGRPC())
	return &UserInfoClient{log: log, names: [2]namedUserInfo{
		{packagedconnect.UserInfoName, packagedconnect.NewUserInfoClient(client, url, options...)},
		{userinfoconnect.UserInfoName, userinfoconnect.NewUserInfoClient(client, url, options...)},
	}}
}

// GetUserList calls getUserList under the name that was served last, and under the
// other one if that is unimplemented. If both are, it returns the error of the first.
func (c *UserInfoClient) GetUserList(ctx context.Context, req *userinfo.NicknameOrTeam) (*userinfo.UserList, error) {
	first := c.last.Load()
	res, err := c.names[first].client.GetUserList(ctx, req)
	if connect.CodeOf(err) != connect.CodeUnimplemented {
		return res, err
	}
	other := 1 - first
	res, otherErr := c.names[other].client.GetUserList(ctx, req)
	if connect.CodeOf(otherErr) == connect.CodeUnimplemented {
		return nil, err
	}
	if c.last.CompareAndSwap(first, other) {
		c.log.Info("service name of the remote directory changed", "service", c.names[other].service)
	}
	return res, otherErr
}
