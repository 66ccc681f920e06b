package app

import "context"

// drain lets others take over before this process stops: the registry and the health of its
// ports say that it is draining, while requests are still answered, for the time of
// Config.Drain. The end of ctx, which is that of a service that failed, and a second signal
// end it.
func (a *App) drain(ctx context.Context) {
	a.startDraining()
	wait := a.config.drain()
	if wait == 0 {
		return
	}
	a.log.Info("draining: requests are still answered; a second signal stops at once", "duration", wait)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if next := a.config.NextSignal; next != nil {
		var stop context.CancelFunc
		ctx, stop = next(ctx)
		defer stop()
	}
	<-ctx.Done()
}
