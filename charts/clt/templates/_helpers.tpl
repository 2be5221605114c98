{{- /* Names. The profiles and the lease have fixed ones, since cltctl looks for them. */}}
{{- define "clt.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "clt.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "clt.name" .) .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name (include "clt.name" .) | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "clt.operator" -}}
{{ include "clt.fullname" . }}-operator
{{- end }}

{{- define "clt.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "clt.operator" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- /* Never those of a Job's pods, which are app.kubernetes.io/name: clt. */}}
{{- define "clt.selector" -}}
app.kubernetes.io/name: clt-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "clt.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: clt
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* What only belongs to the installation, and is neither the operator nor a Job. */}}
{{- define "clt.commonLabels" -}}
app.kubernetes.io/name: clt
{{ include "clt.labels" . }}
{{- end }}

{{- define "clt.operatorLabels" -}}
app.kubernetes.io/name: clt-operator
app.kubernetes.io/component: operator
{{ include "clt.labels" . }}
{{- end }}

{{- /* An image of {repository, tag, digest}: (list . .Values.image) */}}
{{- define "clt.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- /* Names of the namespaces that hold experiments, as a JSON list; with all watched, those of
tenants. */}}
{{- define "clt.namespaces" -}}
{{- $names := list -}}
{{- range .Values.tenants }}{{- $names = append $names .name }}{{- end -}}
{{- if and (not $names) (not .Values.watchAllNamespaces) -}}
{{- $names = list .Release.Namespace -}}
{{- end -}}
{{ $names | uniq | toJson }}
{{- end }}

{{- define "clt.restrictedPod" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "clt.restrictedContainer" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* Subjects of a binding; those of a service account need their namespace. */}}
{{- define "clt.subjects" -}}
{{- range . }}
- kind: {{ .kind }}
  name: {{ .name | quote }}
  {{- if eq .kind "ServiceAccount" }}
  namespace: {{ required (printf "subject %s: a ServiceAccount needs its namespace" .name) .namespace }}
  {{- else }}
  apiGroup: rbac.authorization.k8s.io
  {{- end }}
{{- end }}
{{- end }}

{{- define "clt.tcp" -}}
{{- range . }}
- {protocol: TCP, port: {{ int . }}}
{{- end }}
{{- end }}
