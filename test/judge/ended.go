package judge

import (
	"context"
	"errors"
	"fmt"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
)

// Ended waits until every delivery of every alert is completed, and returns all alerts with
// their deliveries. If ctx ends before, the error shows some of the open deliveries.
func Ended(ctx context.Context, alerts alertv1connect.AlertServiceClient) ([]*alertv1.GetAlertResponse, error) {
	for {
		ids, open, err := List(ctx, alerts)
		if err == nil && open == 0 {
			var all []*alertv1.GetAlertResponse
			for _, id := range ids {
				res, err := alerts.GetAlert(ctx, &alertv1.GetAlertRequest{Id: id})
				if err != nil {
					return nil, fmt.Errorf("GetAlert %s: %w", id, err)
				}
				all = append(all, res)
			}
			return all, nil
		}
		select {
		case <-time.After(50 * time.Millisecond): // other processes can only be polled
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%d deliveries are not completed", open), err, errors.New(unended(context.WithoutCancel(ctx), alerts)))
		}
	}
}

// List returns the ids of all alerts, and the number of their open deliveries.
func List(ctx context.Context, alerts alertv1connect.AlertServiceClient) (ids []string, open int, err error) {
	for token := ""; ; {
		page, err := alerts.ListAlerts(ctx, &alertv1.ListAlertsRequest{PageSize: 500, PageToken: token})
		if err != nil {
			return nil, open, err
		}
		for _, a := range page.GetAlerts() {
			ids = append(ids, a.GetId())
			open += int(a.GetDeliveryCounts().GetQueued())
		}
		if token = page.GetNextPageToken(); token == "" {
			return ids, open, nil
		}
	}
}

// unended returns some open deliveries as text.
func unended(ctx context.Context, alerts alertv1connect.AlertServiceClient) (shown string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	page, err := alerts.ListAlerts(ctx, &alertv1.ListAlertsRequest{State: alertv1.DeliveryState_DELIVERY_STATE_QUEUED, PageSize: 5})
	if err != nil {
		return err.Error()
	}
	for _, a := range page.GetAlerts() {
		res, err := alerts.GetAlert(ctx, &alertv1.GetAlertRequest{Id: a.GetId()})
		shown += fmt.Sprintln(res, err)
	}
	return shown
}
