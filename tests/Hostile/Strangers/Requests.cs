using System.Text;
using VmSim.CoverageFuzz;

namespace VmSim.Hostile.Tests.Strangers;

/// <summary>Requests to a service, one to each path that there is and some that there are not, as they go over a socket.</summary>
internal static class Requests
{
    private static readonly string Digest = new('0', 64);

    private static readonly string[] Gets =
    [
        "/", "/login", "/jobs/1", "/jobs/1/report", "/api/v1/jobs?state=queued&count=5&before=3", "/api/v1/jobs/1", "/api/v1/jobs/1/log",
        "/api/v1/jobs/1/figures", "/api/v1/jobs/1/result/report.json", "/api/v1/jobs/1/result/..%2f..%2ftokens", "/api/v1/submissions/1",
        $"/api/v1/inputs/{Digest}?ending=.vmt", "/api/v1/inputs/..%2f..%2ftoken?ending=.vmt", "/api/v1/nodes",
        "/api/v1/nodes/a/jobs/1/checkpoint?lease=0123456789abcdef", "/submit", "/compare?base=1&other=1", "/metrics",
        "/openapi/v1.json", "/health/live", "/health/ready",
        "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/tokens", "/token",
    ];

    private static readonly string[] Puts =
    [
        $"/api/v1/inputs/{Digest}?ending=.vmt", "/api/v1/nodes/a/jobs/1/checkpoint?lease=0123456789abcdef",
        "/api/v1/nodes/a/jobs/1/result/0123456789abcdef/report.json?lease=0123456789abcdef",
    ];

    /// <summary>All of them.</summary>
    /// <param name="credentials">A header's line by which they say who asks; empty for nobody.</param>
    public static IReadOnlyList<byte[]> All(string credentials) =>
    [
        .. Gets.Select(path => Request("GET", path, credentials, "", [])),
        .. Puts.Select(path => Request("PUT", path, credentials, "application/octet-stream", "not what it is called"u8.ToArray())),
        Request("POST", "/login", credentials, "application/x-www-form-urlencoded", "token=nobody&next=%2F%2Fexample.org"u8.ToArray()),
        Request("POST", "/logout", credentials, "application/x-www-form-urlencoded", []),
        Request("POST", "/jobs/1/cancel", credentials, "application/x-www-form-urlencoded", []),
        Request("POST", "/api/v1/jobs/1/cancel", credentials, "application/json", []),
        Request("POST", "/api/v1/nodes/a/drain", credentials, "application/json", []),
        Request(
            "POST", "/submit", credentials, "application/x-www-form-urlencoded", "scenario=name+%3D+x&name=x&priority=5"u8.ToArray()),
        Request("POST", "/api/v1/check", credentials, "application/json", "{\"scenario\":\"name = x\"}"u8.ToArray()),
        .. Bodies("/api/v1/jobs", "submission", credentials),
        .. Bodies("/api/v1/nodes/a/beat", "beat", credentials),
        .. Bodies("/api/v1/nodes/a/jobs/1/end?lease=0123456789abcdef", "ending", credentials),
        Chunked("/api/v1/jobs", credentials),
    ];

    private static IEnumerable<byte[]> Bodies(string path, string target, string credentials) =>
        FuzzTargets.All[target].Seeds.Select(body => Request("POST", path, credentials, "application/json", body));

    private static byte[] Request(string method, string path, string credentials, string kind, byte[] body)
    {
        string about = kind.Length > 0 ? $"Content-Type: {kind}\r\nContent-Length: {body.Length}\r\n" : "";
        return [.. Head(method, path, credentials, about), .. body];
    }

    private static byte[] Chunked(string path, string credentials) =>
    [
        .. Head("POST", path, credentials, "Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n"),
        .. "4\r\n{\"na\r\n9;x=y\r\nme\":\"x\"}\r\n\r\n0\r\n\r\n"u8,
    ];

    private static byte[] Head(string method, string path, string credentials, string about) => Encoding.UTF8.GetBytes(
        $"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: http://localhost\r\n{credentials}{about}\r\n");
}
