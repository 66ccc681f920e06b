package discovery

import "context"

var (
	_ Registry  = (*Local)(nil)
	_ Registrar = (*Local)(nil)
)

// A Local is the registry of a process that shares none with others: it holds what this
// process registers.
type Local struct{ *board }

// NewLocal returns a registry without instances.
func NewLocal() *Local {
	l := &Local{newBoard()}
	l.change(func() {})
	return l
}

// Run implements Registry. It only waits for the end of ctx.
func (l *Local) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Register implements Registrar.
func (l *Local) Register(ctx context.Context, instance Instance, states <-chan StateChange) error {
	instance, err := instance.normalized()
	if err != nil {
		return err
	}
	put := func() { l.change(func() { l.put(instance) }) }
	put()
	defer l.change(func() { l.remove(instance.ID) })
	for {
		select {
		case to, open := <-states:
			if !open {
				states = nil
				continue
			}
			if next, err := instance.changed(to); err == nil {
				instance = next
				put()
			}
		case <-ctx.Done():
			return nil
		}
	}
}
