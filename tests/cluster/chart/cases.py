"""Values for every switch of the chart, each as a platform team would set it."""

from typing import Any

STORE = {"uri": "s3://studies/clt", "secret": "clt-store"}
TEAM = {"name": "team-a", "create": True}
GROUP = {"kind": "Group", "name": "team-a"}
OPERATOR = "operator"
DIGEST = "sha256:" + "a" * 64

Values = dict[str, Any]

CASES: dict[str, Values] = {
    "all-namespaces": {"watchAllNamespaces": True, "tenants": [TEAM]},
    "tenants": {
        "readers": [{"kind": "Group", "name": "researchers"}],
        "tenants": [
            {
                **TEAM,
                "labels": {"cost-centre": "17"},
                "annotations": {"owner": "a"},
                "editors": [GROUP, {"kind": "User", "name": "ann"}],
                "viewers": [{"kind": "ServiceAccount", "name": "watcher", "namespace": "ci"}],
                "serviceAccounts": [
                    {"name": "store", "annotations": {"cloud.example.com/role": "clt"}}
                ],
            },
            {"name": "team-b", "editors": [GROUP]},
            {"name": "team-c", "create": True, "podSecurity": "baseline"},
            {"name": "team-d", "create": True, "podSecurity": ""},
        ],
    },
    "keys": {
        "profiles": {"stores": {"main": STORE, "Second.1": STORE}, "limits": {"steps": 5_000_000}},
        "credentials": {"main": "clt-store", "Second.1": "second"},
    },
    "endpoint-keys": {
        "profiles": {
            "stores": {"main": STORE},
            "endpoints": {"mirror": {"kind": "hub", "address": "https://hub.example"}},
        },
        "endpointCredentials": {"mirror": "clt-hub"},
    },
    "profiles": {
        "profiles": {
            "stores": {"main": {**STORE, "environment": {"AWS_REGION": "no"}, "default": True}},
            "pools": {"gpu": {"nodeSelector": {"a": "1e5"}, "maxGpus": 8, "gpuHourPrice": 2.4}},
            "image": "jobs:own",
            "imagePullPolicy": "Always",
            "imagePullSecrets": ["registry"],
        }
    },
    "no-profiles": {"profilesConfigMap": {"create": False}, "credentials": {"main": "a"}},
    "cloud-identity": {
        "serviceAccount": {"name": "clt", "annotations": {"cloud.example.com/role": "clt"}},
        "profiles": {"stores": {"main": {"uri": "s3://a/b", "serviceAccount": "store"}}},
    },
    "given-account": {"serviceAccount": {"create": False, "name": "given"}},
    "images": {
        "image": {"repository": "mirror/clt-operator", "digest": DIGEST, "pullPolicy": "Always"},
        "imagePullSecrets": ["registry"],
        "jobs": {"image": {"repository": "mirror/clt-jobs", "tag": "1"}},
    },
    "names": {"fullnameOverride": "studies", "nameOverride": "x"},
    "two-replicas": {"operator": {"replicas": 2}},
    "two-replicas-no-budget": {
        "operator": {"replicas": 2, "podDisruptionBudget": {"enabled": False}}
    },
    "scheduling": {
        "operator": {
            "verbose": True,
            "priorityClassName": "system-cluster-critical",
            "nodeSelector": {"pool": "system"},
            "tolerations": [{"key": "system", "operator": "Exists"}],
            "affinity": {"nodeAffinity": {}},
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                }
            ],
            "podLabels": {"team": "platform"},
            "podAnnotations": {"note": "1"},
            "extraEnv": [{"name": "AWS_CA_BUNDLE", "value": "/authorities/ca.crt"}],
            "extraVolumes": [{"name": "authorities", "configMap": {"name": "authorities"}}],
            "extraVolumeMounts": [{"name": "authorities", "mountPath": "/authorities"}],
            "terminationGracePeriodSeconds": 60,
        }
    },
    "no-definition": {"crds": {"enabled": False}},
    "definition-not-kept": {"crds": {"keep": False}},
    "no-rbac": {"rbac": {"create": False}, "tenants": [{"name": "team-b", "editors": [GROUP]}]},
    "second-release": {"rbac": {"clusterRoles": False}, "crds": {"enabled": False}},
    "no-aggregation": {"rbac": {"aggregate": False}},
    "queues": {
        "tenants": [{"name": "team-a", "localQueues": {"gpus": "gpus"}}],
        "queues": {
            "enabled": True,
            "flavors": {
                "h100": {
                    "nodeLabels": {"example.com/accelerator": "h100"},
                    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
                },
                "any": {},
            },
            "clusterQueues": {
                "gpus": {
                    "cohort": "all",
                    "preemption": {"withinClusterQueue": "LowerPriority"},
                    "flavors": [
                        {"name": "h100", "quota": {"nvidia.com/gpu": 8, "memory": "1Ti"}},
                        {"name": "any", "quota": {"nvidia.com/gpu": 0, "memory": "64Gi"}},
                    ],
                }
            },
            "priorityClasses": {"clt-last": 100},
        },
    },
    "network-policies": {
        "tenants": [{"name": "team-a"}, {"name": "team-b"}],
        "networkPolicies": {
            "enabled": True,
            "store": [{"to": [{"namespaceSelector": {}, "podSelector": {}}], "ports": [7070]}],
            "judge": {"to": [{"ipBlock": {"cidr": "192.0.2.7/32"}}]},
        },
    },
    "network-policies-two-stores": {
        "tenants": [
            {
                "name": "team-a",
                "networkPolicies": {"store": [{"to": [{"ipBlock": {"cidr": "192.0.2.11/32"}}]}]},
            },
            {"name": "team-b"},
        ],
        "networkPolicies": {
            "enabled": True,
            "store": [
                {"to": [{"ipBlock": {"cidr": "192.0.2.10/32"}}], "ports": [443]},
                {"to": [{"namespaceSelector": {}, "podSelector": {}}], "ports": [9000]},
            ],
        },
    },
    "network-policies-closed": {
        "networkPolicies": {
            "enabled": True,
            "store": [{"to": [{"ipBlock": {"cidr": "192.0.2.10/32"}}]}],
            "hub": {"to": []},
            "monitoring": {"from": []},
            "ranks": {"ports": [30000, 31000]},
        },
    },
    "monitoring": {
        "tenants": [{"name": "team-a"}, {"name": "team-b"}],
        "monitoring": {
            "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
            "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "5s"},
            "rules": {"enabled": True, "labels": {"release": "prometheus"}},
            "dashboards": {
                "enabled": True,
                "namespace": "monitoring",
                "annotations": {"grafana_folder": "Studies"},
            },
        },
    },
    "monitoring-everywhere": {
        "watchAllNamespaces": True,
        "monitoring": {"podMonitor": {"enabled": True}},
    },
}
