package balance

import (
	"net/http"
	"testing"

	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1" // links the descriptors
)

func TestMethods(t *testing.T) {
	repeatable := Methods(nil)
	for _, c := range []struct {
		procedure, key string
		want           bool
	}{
		{"/bongsu.registry.v1.RegistryService/ListInstances", "", true},
		{"/bongsu.registry.v1.RegistryService/Unknown", "", false},
		{addBook, "", false},
		{addBook, "1", true},
	} {
		if got := repeatable(c.procedure, http.Header{"Idempotency-Key": {c.key}}); got != c.want {
			t.Errorf("%s with key %q: %t", c.procedure, c.key, got)
		}
	}
}
