{{- define "bongsu.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "bongsu.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "bongsu.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "bongsu.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels by which pods are selected; a component is added where one is meant. */}}
{{- define "bongsu.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bongsu.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "bongsu.labels" -}}
{{ include "bongsu.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: bongsu
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "bongsu.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "bongsu.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The image of a component, which may have a tag of its own. */}}
{{- define "bongsu.image" -}}
{{- $image := .root.Values.image -}}
{{- if .joined -}}
{{- .section.image -}}
{{- else if .section.tag -}}
{{- printf "%s:%s" $image.repository .section.tag -}}
{{- else if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default .root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The components of the mode, with the ports of their services. */}}
{{- define "bongsu.components" -}}
{{- if eq .Values.mode "embedded" -}}
{{- toJson (dict "embedded" 18080) -}}
{{- else -}}
{{- toJson (dict "edge" 18080 "directory" 18081 "alert" 18082 "sender" 18083 "inbox" 18085 "incident" 18091 "monitor" 18092 "event" 18086 "access" 18088) -}}
{{- end -}}
{{- end -}}

{{/*
bongsu.workloads lists the workloads of the mode, as JSON: component, section (its values), port, portName,
and joined, which is true for those that are not Bongsu's own.
*/}}
{{- define "bongsu.workloads" -}}
{{- $workloads := list -}}
{{- range $component, $port := include "bongsu.components" . | fromJson -}}
{{- $workloads = append $workloads (dict "component" $component "section" (get $.Values $component) "port" (int $port) "portName" ($component | replace "embedded" "edge") "joined" false) -}}
{{- end -}}
{{- range .Values.joined -}}
{{- $workloads = append $workloads (dict "component" .name "section" . "port" (int .port) "portName" "rpc" "joined" true) -}}
{{- end -}}
{{- toJson $workloads -}}
{{- end -}}

{{/* The component that serves the edge. */}}
{{- define "bongsu.edgeComponent" -}}
{{- ternary "embedded" "edge" (eq .Values.mode "embedded") -}}
{{- end -}}
