{{- define "redis.name" -}}
{{- .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "redis.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- else if contains (include "redis.name" .) .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "redis.name" .) | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- /* What selectors use: without the instance, another Redis in the namespace would be meant too. */ -}}
{{- define "redis.selector" -}}
app.kubernetes.io/name: {{ include "redis.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "redis.labels" -}}
{{ include "redis.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The metadata of an object: call with (list $ NAME) or (list $ NAME COMPONENT ANNOTATIONS LABELS). */ -}}
{{- define "redis.metadata" -}}
{{- $root := index . 0 -}}
{{- $component := "" }}{{ $annotations := dict }}{{ $labels := dict -}}
{{- if gt (len .) 2 }}{{ $component = index . 2 }}{{ end -}}
{{- if gt (len .) 3 }}{{ $annotations = index . 3 | default dict }}{{ end -}}
{{- if gt (len .) 4 }}{{ $labels = index . 4 | default dict }}{{ end -}}
name: {{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "redis.labels" $root | nindent 2 }}
  {{- if $component }}
  app.kubernetes.io/component: {{ $component }}
  {{- end }}
  {{- with $labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict $annotations $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* An image's full name: call with (list $ IMAGE). */ -}}
{{- define "redis.image" -}}
{{- $root := index . 0 }}{{ $image := index . 1 -}}
{{- $registry := $root.Values.global.imageRegistry | default $image.registry -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default $root.Chart.AppVersion }}{{ end -}}
{{- end }}

{{- define "redis.pullSecrets" -}}
{{- with concat .Values.global.imagePullSecrets .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ if kindIs "string" . }}{{ . }}{{ else }}{{ .name }}{{ end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "redis.password" -}}
{{- .Values.global.redis.password | default .Values.auth.password -}}
{{- end }}

{{- define "redis.secretName" -}}
{{- if include "redis.password" . }}{{ include "redis.fullname" . }}{{ else }}{{ .Values.auth.existingSecret }}{{ end -}}
{{- end }}

{{- define "redis.secretKey" -}}
{{- if include "redis.password" . }}redis-password{{ else }}{{ .Values.auth.existingSecretPasswordKey }}{{ end -}}
{{- end }}

{{- define "redis.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (printf "%s-master" (include "redis.fullname" .)) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{- define "redis.storageClass" -}}
{{- $class := (index . 1).storageClass | default (index . 0).Values.global.defaultStorageClass -}}
{{- if eq $class "-" }}
storageClassName: ""
{{- else if $class }}
storageClassName: {{ $class }}
{{- end }}
{{- end }}

{{- define "redis.port" -}}
{{- .Values.master.containerPorts.redis -}}
{{- end }}

{{- /* The mounts of everything that talks to the server: its password and its certificates. */ -}}
{{- define "redis.accessMounts" -}}
{{- if .Values.auth.enabled }}
- name: redis-password
  mountPath: /opt/redracer/secrets
  readOnly: true
{{- end }}
{{- if .Values.tls.enabled }}
- name: redis-certificates
  mountPath: /opt/redracer/certs
  readOnly: true
{{- end }}
{{- end }}

{{- define "redis.accessVolumes" -}}
{{- if .Values.auth.enabled }}
- name: redis-password
  secret:
    secretName: {{ include "redis.secretName" . }}
    defaultMode: 0440
    items:
      - key: {{ include "redis.secretKey" . }}
        path: redis-password
{{- end }}
{{- if .Values.tls.enabled }}
- name: redis-certificates
  secret:
    secretName: {{ .Values.tls.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- end }}

{{- /* What the scripts need to know of the release. */ -}}
{{- define "redis.environment" -}}
- name: REDIS_PORT
  value: {{ include "redis.port" . | quote }}
{{- if .Values.auth.enabled }}
- name: REDIS_PASSWORD_FILE
  value: /opt/redracer/secrets/redis-password
{{- end }}
{{- if .Values.tls.enabled }}
- name: REDIS_TLS_OPTIONS
  value: {{ include "redis.tlsOptions" . | quote }}
{{- end }}
{{- end }}

{{- define "redis.tlsOptions" -}}
--tls --cacert /opt/redracer/certs/{{ .Values.tls.certCAFilename }}
{{- if .Values.tls.authClients }} --cert /opt/redracer/certs/{{ .Values.tls.certFilename }} --key /opt/redracer/certs/{{ .Values.tls.certKeyFilename }}{{ end }}
{{- end }}

{{- /* A security context as the field wants it: `enabled` is ours. */ -}}
{{- define "redis.securityContext" -}}
{{- if .enabled }}
{{- omit . "enabled" | toYaml }}
{{- else -}}
{}
{{- end }}
{{- end }}

{{- define "redis.probe" -}}
{{- $probe := index . 0 -}}
{{- if $probe.enabled }}
{{ index . 1 }}:
  exec:
    command: [/bin/sh, /opt/redracer/health/{{ index . 2 }}]
  {{- omit $probe "enabled" | toYaml | nindent 2 }}
{{- end }}
{{- end }}

{{- /* What contradicts what the chart does; a schema cannot say it. */ -}}
{{- define "redis.refuse" -}}
{{- $reserved := list "appendonly" "save" "dir" "dbfilename" "appenddirname" "appendfilename" "port" "requirepass" "tls-port" "tls-cert-file" "tls-key-file" "tls-ca-cert-file" "tls-auth-clients" "metrics-port" "metrics-bind" "daemonize" "rename-command" -}}
{{- $instead := dict "appendonly" "persistenceMode" "save" "persistenceMode and savePoints" "requirepass" "auth.*" "port" "master.containerPorts.redis" "rename-command" "master.disableCommands" "metrics-port" "metrics.*" "metrics-bind" "metrics.*" -}}
{{- range $name, $text := dict "commonConfiguration" .Values.commonConfiguration "master.configuration" .Values.master.configuration -}}
{{- range $line := splitList "\n" $text -}}
{{- $word := regexFind "^[^ \t]+" (trim $line) | lower -}}
{{- if has $word $reserved -}}
{{- fail (printf "%s: `%s` is set by the chart; use %s" $name $word (get $instead $word | default (hasPrefix "tls-" $word | ternary "tls.*" "the chart's value, which cannot be changed"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.master.extraFlags -}}
{{- $word := regexFind "^--[^ \t=]+" . | trimPrefix "--" | lower -}}
{{- if has $word $reserved -}}
{{- fail (printf "master.extraFlags: `--%s` is set by the chart; use %s" $word (get $instead $word | default (hasPrefix "tls-" $word | ternary "tls.*" "the chart's value, which cannot be changed"))) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.auth.enabled (not (include "redis.password" .)) (not .Values.auth.existingSecret) -}}
{{- fail "auth.enabled: set auth.existingSecret (and auth.existingSecretPasswordKey), auth.password or global.redis.password" -}}
{{- end -}}
{{- if and .Values.tls.enabled (not .Values.tls.existingSecret) -}}
{{- fail "tls.enabled: set tls.existingSecret, a secret with the certificate, its key and the authority's certificate" -}}
{{- end -}}
{{- $password := include "redis.password" . -}}
{{- if and $password .Values.auth.existingSecret (ne .Values.auth.existingSecret "urbalurba-secrets") -}}
{{- fail "auth.existingSecret: a password is set too (auth.password or global.redis.password); set one of them" -}}
{{- end -}}
{{- if and (ne (toString .Values.pdb.minAvailable) "") (ne (toString .Values.pdb.maxUnavailable) "") -}}
{{- fail "pdb: set minAvailable or maxUnavailable, not both" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.enabled" -}}
{{- end -}}
{{- $service := .Values.master.service -}}
{{- if ne ($service.type | default .Values.service.type) "LoadBalancer" -}}
{{- range list "loadBalancerIP" "loadBalancerClass" "loadBalancerSourceRanges" -}}
{{- if get $service . -}}
{{- fail (printf "master.service.%s needs the type LoadBalancer" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.networkPolicy.allowExternal (or .Values.networkPolicy.ingressNSMatchLabels .Values.networkPolicy.ingressNSPodMatchLabels) -}}
{{- fail "networkPolicy.ingressNSMatchLabels and ingressNSPodMatchLabels need networkPolicy.allowExternal=false: everybody is let in" -}}
{{- end -}}
{{- if and .Values.networkPolicy.allowExternalEgress .Values.networkPolicy.extraEgress -}}
{{- fail "networkPolicy.extraEgress needs networkPolicy.allowExternalEgress=false: everything is allowed" -}}
{{- end -}}
{{- if and (not .Values.master.persistence.enabled) .Values.master.persistence.existingClaim -}}
{{- fail "master.persistence.existingClaim needs master.persistence.enabled" -}}
{{- end -}}
{{- end }}
