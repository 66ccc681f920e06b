package deploy

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const chart = "deploy/helm/bongsu"

// helm runs helm on the chart, and skips the test without it.
func helm(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(root, "bin", "helm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("skipped without helm: make bin/helm")
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = root
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// render returns the objects of the chart with the values of a file.
func render(t *testing.T, values string) []object {
	t.Helper()
	stdout, stderr, err := helm(t, "template", "alarm", chart, "--namespace=alarm", "--values="+values)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	return decode(t, stdout)
}

// valueSets returns the files with documented values, from the root.
func valueSets(t *testing.T) (files []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, chart, "ci", "*.yaml"))
	if err != nil || len(found) < 4 {
		t.Fatalf("found the values %q (%v)", found, err)
	}
	for _, file := range found {
		files = append(files, path.Join(chart, "ci", filepath.Base(file)))
	}
	return files
}

// TestChart renders the chart with each documented set of values, and checks that its parts
// fit together and to the program.
func TestChart(t *testing.T) {
	known, joined := settings(t), joinedSettings(t)
	for _, values := range valueSets(t) {
		t.Run(strings.TrimSuffix(path.Base(values), ".yaml"), func(t *testing.T) {
			objects := render(t, values)
			if secrets := ofKind(objects, "Secret"); len(secrets) > 0 {
				t.Errorf("the chart renders %d secrets: they are to be named only", len(secrets))
			}
			workloads := slices.Concat(ofKind(objects, "Deployment"), ofKind(objects, "StatefulSet"))
			if want := workloadsOf(values); len(workloads) != want {
				t.Fatalf("%d workloads, want %d", len(workloads), want)
			}
			for _, w := range workloads {
				t.Run(w.Metadata.Name, func(t *testing.T) {
					if w.isJoined() {
						checkJoined(t, w, joined)
					} else {
						checkServe(t, w, known)
					}
					checkPod(t, w)
					checkRollout(t, w, objects)
					checkPolicies(t, w, objects)
				})
			}
			checkServices(t, workloads, objects)
			checkMonitoring(t, objects)
		})
	}
}

// workloadsOf returns the number of workloads with a set of values.
func workloadsOf(values string) int {
	switch {
	case strings.Contains(values, "/split-library"):
		return 9 + 4
	case strings.Contains(values, "/split"):
		return 9
	}
	return 1
}

// isJoined reports whether a workload is that of a joined service.
func (o object) isJoined() bool { return o.Metadata.Labels["bongsu/joined"] == "true" }

// checkServe checks that bongsu serve has the settings of a workload.
func checkServe(t *testing.T, w object, known map[string]bool) {
	t.Helper()
	c := w.Spec.Template.Spec.Containers[0]
	if c.Args[0] != "serve" {
		t.Errorf("its command is %q", c.Args)
	}
	for _, arg := range c.Args[1:] {
		if flag, _, _ := strings.Cut(arg, "="); !known[flag] {
			t.Errorf("bongsu serve has no flag %s", flag)
		}
	}
	for _, e := range c.Env {
		if strings.HasPrefix(e.Name, "BONGSU_") && !known[e.Name] {
			t.Errorf("%s sets no flag of bongsu serve", e.Name)
		}
	}
}

// checkJoined checks that the program of a joined service has its settings, among them those by which
// it joins.
func checkJoined(t *testing.T, w object, known map[string]bool) {
	t.Helper()
	c := w.Spec.Template.Spec.Containers[0]
	name := w.Metadata.Labels["app.kubernetes.io/component"]
	if !strings.HasPrefix(c.Image, "registry.example.com/library:") {
		t.Errorf("its image is %s", c.Image)
	}
	given, variables := map[string]string{}, map[string]bool{}
	for _, e := range c.Env {
		variables["$("+e.Name+")"] = true
		if strings.HasPrefix(e.Name, "LIBRARY_") && (!known[e.Name] || e.Value != "") {
			t.Errorf("%s sets no flag, or has a value in place of a reference", e.Name)
		}
	}
	for _, arg := range c.Args {
		flag, value, _ := strings.Cut(arg, "=")
		if !known[flag] {
			t.Errorf("its program has no flag %s", flag)
		}
		if strings.HasPrefix(value, "$(") && !variables[value] {
			t.Errorf("%s refers to no variable", arg)
		}
		given[flag] = value
	}
	for flag, want := range map[string]string{
		"--services": name, "--listen": name + "=0.0.0.0:" + strconv.Itoa(c.Ports[0].ContainerPort), "--advertise-host": "$(POD_IP)",
		"--nats-url": "$(NATS_URL)", "--internal-key-file": "/secrets/internal/internal.key", "--drain": "5s",
	} {
		if given[flag] != want {
			t.Errorf("%s is %q, want %q", flag, given[flag], want)
		}
	}
}

// checkPod checks the files, the probes and the rights of a pod.
func checkPod(t *testing.T, w object) {
	t.Helper()
	p := w.Spec.Template.Spec
	if len(p.Containers) != 1 {
		t.Fatalf("%d containers", len(p.Containers))
	}
	c := p.Containers[0]
	if !w.selects(t).matches(w.Spec.Template.Metadata.Labels) {
		t.Error("its selector does not select its pods")
	}

	// Rights.
	if s := p.SecurityContext; !s.RunAsNonRoot || s.RunAsUser != 65532 || s.FSGroup != 65532 || s.SeccompProfile.Type != "RuntimeDefault" {
		t.Errorf("its pods have the rights %+v", s)
	}
	if s := c.SecurityContext; s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("its container has the rights %+v", s)
	}
	if p.AutomountServiceAccountToken == nil || *p.AutomountServiceAccountToken || p.HostNetwork {
		t.Error("its pods have a token of the API of Kubernetes, or the network of the node")
	}
	if p.EnableServiceLinks == nil || *p.EnableServiceLinks {
		t.Error("variables of Services would be taken for settings")
	}

	for _, e := range c.Env {
		if strings.Contains(e.Value, "@") || strings.HasPrefix(e.Name, "BONGSU_") && e.Name != "BONGSU_NATS_URL" && e.Value != "" {
			t.Errorf("%s has a value, which may be secret, in place of a reference", e.Name)
		}
	}
	checkFiles(t, w)

	// Probes, and stopping.
	for name, check := range map[string]struct {
		probe probe
		path  string
	}{
		"startup": {c.StartupProbe, "/healthz"}, "liveness": {c.LivenessProbe, "/healthz"}, "readiness": {c.ReadinessProbe, "/readyz"},
	} {
		if check.probe.HTTPGet.Path != check.path || check.probe.HTTPGet.Port != c.Ports[0].Name {
			t.Errorf("the %s probe gets %+v, want %s of port %s", name, check.probe.HTTPGet, check.path, c.Ports[0].Name)
		}
		if isTLS := slices.ContainsFunc(c.Args, func(arg string) bool { return strings.HasPrefix(arg, "--tls-cert=") }); isTLS != (check.probe.HTTPGet.Scheme == "HTTPS") {
			t.Errorf("the %s probe uses %s", name, check.probe.HTTPGet.Scheme)
		}
	}
	if c.Lifecycle.PreStop.Sleep.Seconds < 1 || p.TerminationGracePeriodSeconds < c.Lifecycle.PreStop.Sleep.Seconds+5+15+10 {
		t.Errorf("it sleeps for %d s and is killed after %d s: no time for draining, requests and calls to providers", c.Lifecycle.PreStop.Sleep.Seconds, p.TerminationGracePeriodSeconds)
	}
}

// checkFiles checks that each mount has a volume, each file that a flag names is mounted,
// and only the group may read secrets: the program refuses keys that others may read.
func checkFiles(t *testing.T, w object) {
	t.Helper()
	volumes, files := map[string]bool{}, map[string]bool{}
	for _, claim := range w.Spec.VolumeClaimTemplates {
		volumes[claim.Metadata.Name] = true
	}
	items := map[string][]string{}
	for _, v := range w.Spec.Template.Spec.Volumes {
		volumes[v.Name] = true
		if v.HostPath != nil {
			t.Errorf("the volume %s is a path of the node", v.Name)
		}
		if v.Secret == nil {
			continue
		}
		if v.Secret.DefaultMode != 0o440 {
			t.Errorf("the files of the volume %s have mode %#o", v.Name, v.Secret.DefaultMode)
		}
		items[v.Name] = []string{"ca.crt", "tls.crt", "tls.key"}
		for i, item := range v.Secret.Items {
			items[v.Name] = append(items[v.Name][:i:i], item.Path)
		}
	}
	c := w.Spec.Template.Spec.Containers[0]
	writable := map[string]bool{}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("no volume %s for %s", m.Name, m.MountPath)
		}
		writable[m.MountPath] = true
		for _, item := range items[m.Name] {
			files[path.Join(m.MountPath, item)] = true
		}
	}
	if !writable["/data"] || !writable["/tmp"] {
		t.Error("it has no folder to write to in /data or /tmp")
	}
	for _, arg := range c.Args {
		if _, value, _ := strings.Cut(arg, "="); strings.HasPrefix(value, "/secrets/") && !files[value] {
			t.Errorf("%s is not mounted", arg)
		}
	}
}

// checkRollout checks that an upgrade or an eviction leaves a pod that serves.
func checkRollout(t *testing.T, w object, objects []object) {
	t.Helper()
	if w.Kind == "StatefulSet" {
		if w.Spec.Replicas == nil || *w.Spec.Replicas != 1 {
			t.Error("a data folder is for one pod")
		}
		if budgets := ofKind(objects, "PodDisruptionBudget"); len(budgets) > 0 {
			t.Error("a disruption budget of the one pod blocks each drain of its node")
		}
		return
	}
	if s := w.Spec.Strategy; s.Type != "RollingUpdate" || s.RollingUpdate.MaxUnavailable == nil || *s.RollingUpdate.MaxUnavailable != 0 || s.RollingUpdate.MaxSurge < 1 {
		t.Errorf("its pods are replaced by %+v", s)
	}
	isScaled := false
	for _, scaler := range ofKind(objects, "HorizontalPodAutoscaler") {
		isScaled = isScaled || scaler.Spec.ScaleTargetRef.Name == w.Metadata.Name
		if to := scaler.Spec.ScaleTargetRef; !slices.ContainsFunc(objects, func(o object) bool { return o.Kind == to.Kind && o.Metadata.Name == to.Name }) {
			t.Errorf("the autoscaler %s scales %+v, which is not there", scaler.Metadata.Name, to)
		}
	}
	if isScaled != (w.Spec.Replicas == nil) {
		t.Error("it has a number of replicas and an autoscaler, or neither")
	}
	if !slices.ContainsFunc(ofKind(objects, "PodDisruptionBudget"), func(b object) bool {
		return b.Spec.MaxUnavailable == 1 && b.selects(t).matches(w.Spec.Template.Metadata.Labels)
	}) {
		t.Error("it has no disruption budget")
	}
}

// checkPolicies checks that internal ports are reached from pods of the release only.
func checkPolicies(t *testing.T, w object, objects []object) {
	t.Helper()
	c := w.Spec.Template.Spec.Containers[0]
	labels := w.Spec.Template.Metadata.Labels
	ruled := map[string]bool{}
	for _, policy := range ofKind(objects, "NetworkPolicy") {
		if !policy.Spec.PodSelector.matches(labels) {
			continue
		}
		if !slices.Contains(policy.Spec.PolicyTypes, "Ingress") {
			t.Errorf("the policy %s is about %q", policy.Metadata.Name, policy.Spec.PolicyTypes)
		}
		for _, rule := range policy.Spec.Ingress {
			for _, port := range rule.Ports {
				ruled[port.Port] = true
				if port.Port == "edge" || port.Port == "metrics" {
					continue
				}
				if len(rule.From) != 1 || rule.From[0].NamespaceSelector != nil || rule.From[0].PodSelector == nil || !rule.From[0].PodSelector.matches(labels) {
					t.Errorf("port %s is reached from elsewhere: %+v", port.Port, rule.From)
				}
			}
			if len(rule.Ports) == 0 {
				t.Error("a rule opens every port")
			}
		}
	}
	for _, port := range c.Ports {
		if !ruled[port.Name] {
			t.Errorf("no policy is about port %s", port.Name)
		}
	}
}

// checkServices checks that each Service selects pods that have its ports, and that a
// StatefulSet has its Service.
func checkServices(t *testing.T, workloads, objects []object) {
	t.Helper()
	services := ofKind(objects, "Service")
	for _, s := range services {
		i := slices.IndexFunc(workloads, func(w object) bool { return s.selects(t).matches(w.Spec.Template.Metadata.Labels) })
		if i < 0 {
			t.Errorf("the service %s selects no pods", s.Metadata.Name)
			continue
		}
		for _, port := range s.Spec.Ports {
			if !slices.ContainsFunc(workloads[i].Spec.Template.Spec.Containers[0].Ports, func(p containerPort) bool { return p.Name == port.TargetPort }) {
				t.Errorf("the service %s leads to port %s, which its pods lack", s.Metadata.Name, port.TargetPort)
			}
		}
	}
	for _, w := range workloads {
		if w.Kind == "StatefulSet" && !slices.ContainsFunc(services, func(s object) bool { return s.Metadata.Name == w.Spec.ServiceName && s.Spec.ClusterIP == "None" }) {
			t.Errorf("%s has no headless service %s", w.Metadata.Name, w.Spec.ServiceName)
		}
	}
}

// checkMonitoring checks that Prometheus scrapes every pod, and that rules and dashboard are
// those of the repository.
func checkMonitoring(t *testing.T, objects []object) {
	t.Helper()
	for _, monitor := range ofKind(objects, "ServiceMonitor") {
		scraped := map[string]bool{}
		for _, s := range ofKind(objects, "Service") {
			if !monitor.selects(t).matches(s.Metadata.Labels) {
				continue
			}
			scraped[s.Metadata.Labels["app.kubernetes.io/component"]] = true
			if !slices.ContainsFunc(s.Spec.Ports, func(p struct {
				Name       string
				TargetPort string `yaml:"targetPort"`
			}) bool {
				return p.Name == monitor.Spec.Endpoints[0].Port
			}) {
				t.Errorf("the service %s has no port %s", s.Metadata.Name, monitor.Spec.Endpoints[0].Port)
			}
		}
		for _, w := range slices.Concat(ofKind(objects, "Deployment"), ofKind(objects, "StatefulSet")) {
			if !w.isJoined() && !scraped[w.Metadata.Labels["app.kubernetes.io/component"]] {
				t.Errorf("%s is not scraped", w.Metadata.Name)
			}
		}
		if monitor.Spec.Endpoints[0].Authorization.Credentials.Name == "" {
			t.Error("Prometheus does not send the internal key")
		}
	}
	for _, rules := range ofKind(objects, "PrometheusRule") {
		var file struct{ Groups any }
		if err := yaml.Unmarshal([]byte(read(t, "deploy/prometheus/rules.yml")), &file); err != nil {
			t.Fatal(err)
		}
		var groups any
		if err := rules.Spec.Groups.Decode(&groups); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(groups, file.Groups) {
			t.Error("the rules of the chart are not those of deploy/prometheus/rules.yml")
		}
	}
	for _, config := range ofKind(objects, "ConfigMap") {
		if strings.TrimSpace(config.Data["bongsu.json"]) != strings.TrimSpace(read(t, "deploy/grafana/bongsu.json")) {
			t.Errorf("the dashboard in %s is not deploy/grafana/bongsu.json", config.Metadata.Name)
		}
	}
}

// TestChartRefuses checks that values that cannot work are refused with what to do.
func TestChartRefuses(t *testing.T) {
	for _, test := range []struct{ name, values, set, want string }{
		{"unknown mode", "embedded", "mode=both", "mode"},
		{"unknown value", "embedded", "edge.replica=3", "replica"},
		{"a value of a secret", "embedded", "secrets.sealKey.value=x", "value"},
		{"no seal key", "split", "secrets.sealKey.name=", "split mode needs secrets.sealKey.name"},
		{"no internal key", "split", "secrets.internalKey.name=", "split mode needs secrets.internalKey.name"},
		{"no ledger", "split", "databases.ledger.name=", "split mode needs databases.ledger.name"},
		{"no NATS", "split", "nats.url=", "split mode needs nats.url"},
		{"two credentials of NATS", "split", "nats.creds.name=creds", "set nats.creds or nats.nkey"},
		{"a password in the URL of NATS", "split", "nats.url=nats://user:word@nats:4222", "nats"},
		{"too little time to stop", "split", "shutdown.gracePeriod=20", "shutdown.gracePeriod must be at least 38"},
		{"links without a common key", "split", "publicUrl=https://bongsu.example.com", "publicUrl needs secrets.linkKey.name"},
		{"a public URL without a scheme", "embedded", "publicUrl=bongsu.example.com", "publicUrl"},
		{"an issuer without an audience", "embedded", "oidc.issuer=https://login.example.com", "oidc.issuer needs oidc.audience"},
		{"a joined service in embedded mode", "embedded", "joined[0].name=reservation,joined[0].image=library:v1,joined[0].port=8081,joined[0].resources.limits.memory=1Gi", "joined needs mode split"},
		{"a joined service with a name of Bongsu's", "split-library", "joined[1].name=alert", "the name alert is taken"},
		{"two joined services with a name", "split-library", "joined[1].name=mypage", "the name mypage is taken"},
		{"a joined service without a version", "split-library", "joined[0].image=registry.example.com/library", "image"},
		{"an ingress without trusted proxies", "embedded", "ingress.enabled=true", "ingress.enabled needs trustedProxies"},
		{"a flag without dashes", "embedded", "embedded.extraArgs={keep=30d}", "extraArgs"},
		{"a volume for several pods", "embedded", "embedded.persistence.accessModes={ReadWriteMany}", "accessModes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, stderr, err := helm(t, "template", "alarm", chart, "--values="+chart+"/ci/"+test.values+".yaml", "--set="+test.set)
			if err == nil || !strings.Contains(stderr, test.want) {
				t.Errorf("%v: %s", err, stderr)
			}
		})
	}
}
