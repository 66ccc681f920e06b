package discovery_test

import (
	"testing"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/discoverytest"
)

func TestLocal(t *testing.T) {
	discoverytest.RunRegistrar(t, false, func(*testing.T) func() discoverytest.Process {
		local := discovery.NewLocal()
		return func() discoverytest.Process { return discoverytest.Process{Registry: local, Registrar: local} }
	})
	discoverytest.RunRegistry(t, func(t *testing.T) (discovery.Registry, []discovery.Instance) {
		local := discovery.NewLocal()
		return local, registerTwo(t, local)
	})
}

func TestStatic(t *testing.T) {
	discoverytest.RunRegistry(t, func(t *testing.T) (discovery.Registry, []discovery.Instance) {
		instances := []discovery.Instance{discoverytest.Example("two"), discoverytest.Example("one")}
		static, err := discovery.Static(instances)
		kittest.NoError(t, err)
		return static, instances
	})
}

func TestUnion(t *testing.T) {
	discoverytest.RunRegistrar(t, false, func(t *testing.T) func() discoverytest.Process {
		local := discovery.NewLocal()
		static, err := discovery.Static(nil)
		kittest.NoError(t, err)
		union := discovery.Union(static, local)
		return func() discoverytest.Process { return discoverytest.Process{Registry: union, Registrar: local} }
	})
	discoverytest.RunRegistry(t, func(t *testing.T) (discovery.Registry, []discovery.Instance) {
		instance := discoverytest.Example("three")
		instance.Services = []string{"library.v1.ShelfService"}
		static, err := discovery.Static([]discovery.Instance{instance})
		kittest.NoError(t, err)
		local := discovery.NewLocal()
		return discovery.Union(static, local), append(registerTwo(t, local), instance)
	})
}

func TestBucket(t *testing.T) {
	discoverytest.RunRegistrar(t, true, func(t *testing.T) func() discoverytest.Process {
		l := newLink(t)
		return func() discoverytest.Process {
			bucket := openBucket(t, l, nil, nil)
			return discoverytest.Process{Registry: bucket, Registrar: bucket}
		}
	})
	discoverytest.RunRegistry(t, func(t *testing.T) (discovery.Registry, []discovery.Instance) {
		bucket := openBucket(t, newLink(t), nil, nil)
		return bucket, registerTwo(t, bucket)
	})
}

// registerTwo registers two instances until the test ends.
func registerTwo(t *testing.T, registrar discovery.Registrar) []discovery.Instance {
	t.Helper()
	instances := []discovery.Instance{discoverytest.Example("one"), discoverytest.Example("two")}
	for _, instance := range instances {
		discoverytest.Register(t, registrar, instance, nil)
	}
	return instances
}
