package deploy

import (
	"errors"
	"io"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// An object is an object of Kubernetes, as far as the tests read it.
type object struct {
	Kind     string
	Metadata struct {
		Name   string
		Labels map[string]string
	}
	Spec struct {
		Replicas    *int
		ServiceName string `yaml:"serviceName"`
		ClusterIP   string `yaml:"clusterIP"`
		Strategy    struct {
			Type          string
			RollingUpdate struct {
				MaxUnavailable *int `yaml:"maxUnavailable"`
				MaxSurge       int  `yaml:"maxSurge"`
			} `yaml:"rollingUpdate"`
		}
		Template             pod
		VolumeClaimTemplates []object `yaml:"volumeClaimTemplates"`
		Selector             yaml.Node
		Ports                []struct {
			Name       string
			TargetPort string `yaml:"targetPort"`
		}
		MaxUnavailable int                         `yaml:"maxUnavailable"`
		ScaleTargetRef struct{ Kind, Name string } `yaml:"scaleTargetRef"`
		Metrics        []struct {
			Type     string
			External struct{ Metric struct{ Name string } }
		}
		PodSelector selector `yaml:"podSelector"`
		PolicyTypes []string `yaml:"policyTypes"`
		Ingress     []struct {
			Ports []struct{ Port string }
			From  []struct {
				PodSelector       *selector `yaml:"podSelector"`
				NamespaceSelector *selector `yaml:"namespaceSelector"`
			}
		}
		Endpoints []struct {
			Port          string
			Authorization struct{ Credentials struct{ Name, Key string } }
		}
		Groups yaml.Node
	}
	Data map[string]string
}

// A selector selects objects by their labels.
type selector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

// matches reports whether labels are selected.
func (s selector) matches(labels map[string]string) bool {
	for name, value := range s.MatchLabels {
		if labels[name] != value {
			return false
		}
	}
	return len(s.MatchLabels) > 0
}

// selects decodes the selector of an object: that of a Service has no matchLabels.
func (o object) selects(t *testing.T) selector {
	t.Helper()
	var s selector
	to := any(&s)
	if o.Kind == "Service" {
		to = &s.MatchLabels
	}
	if err := o.Spec.Selector.Decode(to); err != nil {
		t.Fatal(err)
	}
	return s
}

// A pod is the template of a pod.
type pod struct {
	Metadata struct{ Labels map[string]string }
	Spec     struct {
		AutomountServiceAccountToken  *bool `yaml:"automountServiceAccountToken"`
		EnableServiceLinks            *bool `yaml:"enableServiceLinks"`
		HostNetwork                   bool  `yaml:"hostNetwork"`
		TerminationGracePeriodSeconds int   `yaml:"terminationGracePeriodSeconds"`
		SecurityContext               struct {
			RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
			RunAsUser      int                   `yaml:"runAsUser"`
			FSGroup        int                   `yaml:"fsGroup"`
			SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
		} `yaml:"securityContext"`
		Containers []container
		Volumes    []struct {
			Name     string
			EmptyDir *struct{} `yaml:"emptyDir"`
			HostPath *struct{} `yaml:"hostPath"`
			Secret   *struct {
				DefaultMode int `yaml:"defaultMode"`
				Items       []struct{ Key, Path string }
			}
		}
	}
}

// A container is a container of a pod.
type container struct {
	Image string
	Args  []string
	Env   []struct {
		Name      string
		Value     string
		ValueFrom yaml.Node `yaml:"valueFrom"`
	}
	Ports          []containerPort
	StartupProbe   probe `yaml:"startupProbe"`
	LivenessProbe  probe `yaml:"livenessProbe"`
	ReadinessProbe probe `yaml:"readinessProbe"`
	Lifecycle      struct {
		PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
	}
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		SubPath   string `yaml:"subPath"`
	} `yaml:"volumeMounts"`
}

// A containerPort is a port of a container.
type containerPort struct {
	Name          string
	ContainerPort int `yaml:"containerPort"`
}

// A probe is an HTTP probe.
type probe struct {
	HTTPGet struct{ Path, Port, Scheme string } `yaml:"httpGet"`
	Period  int                                 `yaml:"periodSeconds"`
	Fails   int                                 `yaml:"failureThreshold"`
}

// decode decodes the documents of a stream, and refuses keys that are there twice.
func decode(t *testing.T, stream string) (objects []object) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(stream))
	for {
		var o object
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		if o.Kind != "" {
			objects = append(objects, o)
		}
	}
}

// ofKind returns the objects of a kind.
func ofKind(objects []object, kind string) (found []object) {
	for _, o := range objects {
		if o.Kind == kind {
			found = append(found, o)
		}
	}
	return found
}
