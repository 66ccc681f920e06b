{{/*
bongsu.pod is the pod template of a workload of bongsu.workloads, with root.
*/}}
{{- define "bongsu.pod" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $isEdge := has .component (list "edge" "embedded") -}}
metadata:
  labels:
    {{- include "bongsu.selectorLabels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  {{- with .section.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "bongsu.serviceAccountName" $root }}
  automountServiceAccountToken: false
  # Variables of Services would be taken for settings: BONGSU_… of a Service bongsu.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $values.shutdown.gracePeriod }}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with .section.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .section.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .section.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if ne .component "embedded" }}
  topologySpreadConstraints:
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "bongsu.selectorLabels" $root | nindent 10 }}
          app.kubernetes.io/component: {{ $.component }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ ternary .component "bongsu" .joined }}
      image: {{ include "bongsu.image" . | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
        {{- include (ternary "bongsu.joinedArgs" "bongsu.args" .joined) . | nindent 8 }}
      env:
        {{- include (ternary "bongsu.joinedEnv" "bongsu.env" .joined) . | nindent 8 }}
      ports:
        - name: {{ .portName }}
          containerPort: {{ .port }}
        {{- if not .joined }}
        - name: metrics
          containerPort: 18089
        {{- end }}
      {{- $scheme := ternary "HTTPS" "HTTP" (and $isEdge (ne $values.tls.name "")) }}
      {{- range $probe, $settings := dict
          "startupProbe" (dict "path" "/healthz" "period" 2 "failures" 60)
          "livenessProbe" (dict "path" "/healthz" "period" 10 "failures" 3)
          "readinessProbe" (dict "path" "/readyz" "period" 2 "failures" 2) }}
      {{ $probe }}:
        httpGet:
          path: {{ $settings.path }}
          port: {{ $.portName }}
          scheme: {{ $scheme }}
          # Loopback names are accepted whatever allowedHosts names.
          httpHeaders:
            - {name: Host, value: localhost}
        periodSeconds: {{ $settings.period }}
        timeoutSeconds: 3
        failureThreshold: {{ $settings.failures }}
      {{- end }}
      {{- if gt (int $values.shutdown.preStopSleep) 0 }}
      lifecycle:
        preStop:
          # The image has no shell; the kubelet sleeps.
          sleep: {seconds: {{ $values.shutdown.preStopSleep }}}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      resources:
        {{- toYaml .section.resources | nindent 8 }}
      volumeMounts:
        {{- include "bongsu.volumeMounts" . | nindent 8 }}
  volumes:
    {{- include "bongsu.volumes" . | nindent 4 }}
{{- end -}}

{{/* bongsu.args are the arguments of the container, without secrets. */}}
{{- define "bongsu.args" -}}
{{- $values := .root.Values -}}
{{- $split := eq $values.mode "split" -}}
{{- $isEdge := has .component (list "edge" "embedded") -}}
- serve
- --services={{ .component | replace "embedded" "all" }}
- --data=/data
- --{{ .component | replace "embedded" "edge" }}-addr=0.0.0.0:{{ .port }}
- --metrics-addr=0.0.0.0:18089
- --log-level={{ $values.log.level }}
- --log-format={{ $values.log.format }}
{{- if $split }}
- --drain={{ $values.shutdown.drain }}s
- --advertise-host=$(POD_IP)
{{- end }}
{{- if $values.secrets.internalKey.name }}
- --internal-key-file=/secrets/internal/internal.key
{{- end }}
{{- if and $values.secrets.sealKey.name (has .component (list "embedded" "directory" "alert" "monitor" "sender")) }}
- --seal-key-file=/secrets/seal/seal.key
{{- end }}
{{- if and $values.statusPage (has .component (list "embedded" "edge")) }}
- --status-page
{{- end }}
{{- if and $values.publicUrl (has .component (list "embedded" "edge" "sender")) }}
- {{ printf "--public-url=%s" $values.publicUrl | quote }}
{{- if $values.secrets.linkKey.name }}
- --link-key-file=/secrets/link/link.key
{{- end }}
{{- end }}
{{- if $split }}
{{- include "bongsu.natsArgs" . }}
{{- if and (has .component (list "alert" "event")) (gt (int $values.nats.replicas) 0) }}
- --replicas={{ $values.nats.replicas }}
{{- end }}
{{- end }}
{{- if and $split (eq .component "access") (eq $values.auth "off") }}
- --auth=off
{{- end }}
{{- if $isEdge }}
- --auth={{ $values.auth }}
- --access-log={{ $values.log.access }}
{{- if $values.tls.name }}
- --tls-cert=/secrets/tls/tls.crt
- --tls-key=/secrets/tls/tls.key
{{- end }}
{{- with $values.allowedHosts }}
- --allowed-hosts={{ join "," . }}
{{- end }}
{{- with $values.trustedProxies }}
- --trusted-proxies={{ join "," . }}
{{- end }}
{{- with $values.oidc }}
{{- if .issuer }}
- --oidc-issuer={{ .issuer }}
- --oidc-audience={{ .audience }}
- --oidc-roles-claim={{ .rolesClaim }}
{{- range $value, $role := .roleMap }}
- {{ printf "--oidc-role-map=%s=%s" $value $role | quote }}
{{- end }}
{{- if .nicknameClaim }}
- --oidc-nickname-claim={{ .nicknameClaim }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range .section.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* bongsu.env is the environment: what secrets hold, and the address of the pod. */}}
{{- define "bongsu.env" -}}
{{- $values := .root.Values -}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
{{- if eq $values.mode "split" }}
- name: BONGSU_NATS_URL
  {{- include "bongsu.natsURL" . | nindent 2 }}
{{- $database := get (dict "access" "access" "directory" "directory" "event" "event" "inbox" "inbox" "incident" "incident" "monitor" "monitor" "alert" "ledger") .component }}
{{- if $database }}
{{- $secret := get $values.databases $database }}
- name: BONGSU_{{ upper $database }}_URL
  valueFrom: {secretKeyRef: {name: {{ $secret.name }}, key: {{ $secret.key }}}}
{{- end }}
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* bongsu.natsURL is the value of a variable with the URLs of the NATS servers. */}}
{{- define "bongsu.natsURL" -}}
{{- with .root.Values.nats -}}
{{- if .urlSecret.name -}}
valueFrom: {secretKeyRef: {name: {{ .urlSecret.name }}, key: {{ .urlSecret.key }}}}
{{- else -}}
value: {{ .url | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
bongsu.joinedArgs are the arguments of a joined service: its own, and the flags of kit/process by which it
joins the deployment.
*/}}
{{- define "bongsu.joinedArgs" -}}
{{- $values := .root.Values -}}
{{- range .section.args }}
- {{ . | quote }}
{{- end }}
- --listen={{ .component }}=0.0.0.0:{{ .port }}
- --advertise-host=$(POD_IP)
- --nats-url=$(NATS_URL)
- --internal-key-file=/secrets/internal/internal.key
- --drain={{ $values.shutdown.drain }}s
- --log-level={{ $values.log.level }}
- --log-format={{ $values.log.format }}
{{- include "bongsu.natsArgs" . }}
{{- end -}}

{{/* bongsu.natsArgs are the arguments with the credentials for NATS. */}}
{{- define "bongsu.natsArgs" -}}
{{- with .root.Values.nats }}
{{- if .creds.name }}
- --nats-creds=/secrets/nats-creds/nats.creds
{{- end }}
{{- if .nkey.name }}
- --nats-nkey-file=/secrets/nats-nkey/nats.nk
{{- end }}
{{- if .tls.name }}
- --nats-ca=/secrets/nats-tls/ca.crt
{{- if .tls.clientCertificate }}
- --nats-cert=/secrets/nats-tls/tls.crt
- --nats-key=/secrets/nats-tls/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* bongsu.joinedEnv is the environment of a joined service, whose args have the first variables. */}}
{{- define "bongsu.joinedEnv" -}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
- name: NATS_URL
  {{- include "bongsu.natsURL" . | nindent 2 }}
{{- with .root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- with .section.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
bongsu.files lists the files of secrets that a component has, as JSON: volume, Secret, items
(file by key; none for all keys).
*/}}
{{- define "bongsu.files" -}}
{{- $values := .root.Values -}}
{{- $split := eq $values.mode "split" -}}
{{- $isEdge := has .component (list "edge" "embedded") -}}
{{- $files := list -}}
{{- with $values.secrets.internalKey -}}
{{- if .name }}{{ $files = append $files (dict "volume" "internal" "secret" .name "key" .key "file" "internal.key") }}{{ end -}}
{{- end -}}
{{- with $values.secrets.sealKey -}}
{{- if and .name (has $.component (list "embedded" "directory" "alert" "monitor" "sender")) }}{{ $files = append $files (dict "volume" "seal" "secret" .name "key" .key "file" "seal.key") }}{{ end -}}
{{- end -}}
{{- with $values.secrets.linkKey -}}
{{- if and .name $values.publicUrl (has $.component (list "embedded" "edge" "sender")) }}{{ $files = append $files (dict "volume" "link" "secret" .name "key" .key "file" "link.key") }}{{ end -}}
{{- end -}}
{{- with $values.secrets.adminKey -}}
{{- if and .name (has $.component (list "embedded" "access")) }}{{ $files = append $files (dict "volume" "admin" "secret" .name "key" .key "file" "admin.key") }}{{ end -}}
{{- end -}}
{{- if and $isEdge $values.tls.name -}}
{{- $files = append $files (dict "volume" "tls" "secret" $values.tls.name) -}}
{{- end -}}
{{- if $split -}}
{{- with $values.nats.creds -}}
{{- if .name }}{{ $files = append $files (dict "volume" "nats-creds" "secret" .name "key" .key "file" "nats.creds") }}{{ end -}}
{{- end -}}
{{- with $values.nats.nkey -}}
{{- if .name }}{{ $files = append $files (dict "volume" "nats-nkey" "secret" .name "key" .key "file" "nats.nk") }}{{ end -}}
{{- end -}}
{{- if $values.nats.tls.name }}{{ $files = append $files (dict "volume" "nats-tls" "secret" $values.nats.tls.name) }}{{ end -}}
{{- if and $values.databases.tls.name (or $.joined (has $.component (list "access" "directory" "event" "inbox" "incident" "monitor" "alert"))) }}{{ $files = append $files (dict "volume" "postgres" "secret" $values.databases.tls.name) }}{{ end -}}
{{- end -}}
{{- toJson $files -}}
{{- end -}}

{{- define "bongsu.volumeMounts" -}}
- {name: data, mountPath: /data}
- {name: tmp, mountPath: /tmp}
{{- range include "bongsu.files" . | fromJsonArray }}
{{- if eq .volume "admin" }}
# A first start stores the key of this file in place of a random one.
- {name: admin, mountPath: /data/admin.key, subPath: admin.key, readOnly: true}
{{- else }}
- {name: {{ .volume }}, mountPath: /secrets/{{ .volume }}, readOnly: true}
{{- end }}
{{- end }}
{{- end -}}

{{- define "bongsu.volumes" -}}
{{- if ne .component "embedded" }}
- {name: data, emptyDir: {sizeLimit: 256Mi}}
{{- else if .section.persistence.existingClaim }}
- {name: data, persistentVolumeClaim: {claimName: {{ .section.persistence.existingClaim }}}}
{{- end }}
- {name: tmp, emptyDir: {sizeLimit: 256Mi}}
{{- range include "bongsu.files" . | fromJsonArray }}
- name: {{ .volume }}
  secret:
    secretName: {{ .secret }}
    # The group may read, which is fsGroup: keys that others may read are refused.
    defaultMode: 0440
    {{- if .file }}
    items:
      - {key: {{ .key }}, path: {{ .file }}}
    {{- end }}
{{- end }}
{{- end -}}
