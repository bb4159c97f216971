{{- /* The pod of a tool that talks to the server; call with (dict "root" $ "name" NAME "script" SHELL "resources" ...). */ -}}
{{- define "redis.toolPod" -}}
{{- $root := .root -}}
{{- include "redis.pullSecrets" $root }}
restartPolicy: Never
serviceAccountName: {{ include "redis.serviceAccount" $root }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "redis.securityContext" $root.Values.master.podSecurityContext | nindent 2 }}
containers:
  - name: {{ .name }}
    image: {{ include "redis.image" (list $root $root.Values.toolsImage) }}
    imagePullPolicy: {{ $root.Values.toolsImage.pullPolicy }}
    command: [/bin/sh, -ec, {{ .script | quote }}]
    env:
      - name: REDIS_HOST
        value: {{ include "redis.fullname" $root }}-master.{{ $root.Release.Namespace }}.svc.{{ $root.Values.clusterDomain }}
      - name: REDIS_SERVICE_PORT
        value: {{ $root.Values.master.service.ports.redis | quote }}
      {{- include "redis.environment" $root | nindent 6 }}
    securityContext:
      {{- include "redis.securityContext" $root.Values.master.containerSecurityContext | nindent 6 }}
    resources:
      {{- toYaml .resources | nindent 6 }}
    volumeMounts:
      - name: tmp
        mountPath: /tmp
      {{- include "redis.accessMounts" $root | indent 6 }}
      {{- if .claim }}
      - name: backup
        mountPath: /backup
      {{- end }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: 16Mi
  {{- include "redis.accessVolumes" $root | indent 2 }}
  {{- if .claim }}
  - name: backup
    persistentVolumeClaim:
      claimName: {{ .claim }}
  {{- end }}
{{- end }}
