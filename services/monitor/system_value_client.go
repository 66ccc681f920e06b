package monitor

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// A SystemValueClient reads values of Bongsu itself in another process.
type SystemValueClient struct {
	Service monitorv1connect.SystemValueServiceClient
}

// Read returns a value, as ValueSource.Read does.
func (c SystemValueClient) Read(ctx context.Context, v probe.SystemValue) (float64, error) {
	res, err := c.Service.ReadSystemValue(ctx, &monitorv1.ReadSystemValueRequest{Value: monitorv1.SystemValue(v)})
	switch {
	case err == nil && res.Number != nil:
		return res.GetNumber(), nil
	case err == nil:
		return 0, errors.New(cmp.Or(res.GetReason(), "the instance returned no value"))
	case connect.CodeOf(err) == connect.CodeNotFound:
		return 0, errNoValue
	}
	return 0, fmt.Errorf("%w: %s", probe.ErrUnreachable, connect.CodeOf(err))
}
