using System.Text.Json.Nodes;
using Json.Schema;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Reporting;

/// <summary>Every report follows docs/report.schema.json, which is what programs of others rely on.</summary>
public sealed class ReportSchemaTests
{
    [Theory]
    [InlineData("run", "config/traces/ls.vmt.gz")]
    [InlineData("check", "config/scenarios/munmap-latr.conf", "--set", "until=60us", "--set", "machine.cores=8")]
    [InlineData("run", "config/scenarios/nested-paging.conf", "--set", "until=60us")]
    [InlineData("run", "config/traces/ls.vmt.gz", "--local-nodes", "1")]
    public async Task Report_OfAnyRun_FollowsTheSchema(params string[] arguments)
    {
        string[] command =
            [.. arguments.Select(word => word.StartsWith("config/", StringComparison.Ordinal) ? CommandRunner.At(word) : word)];
        (_, string output, string error) = await CommandRunner.RunAsync([.. command, "--json"]);
        JsonNode report = JsonNode.Parse(output) ?? throw new InvalidDataException(error);
        Assert.Empty(Wrong(report));
        Assert.Equal("vmsim " + string.Join(' ', command) + " --json", (string?)report["host"]!["command"]);

        // A schema that lets everything pass would hold of anything.
        report["totals"]!["walks"] = "many";
        report["nobody's"] = 1;
        string wrong = Wrong(report);
        Assert.Contains("/totals/walks", wrong, StringComparison.Ordinal);
        Assert.Contains("/nobody's", wrong, StringComparison.Ordinal);
    }

    /// <summary>What it was made from is said: the trace, seen from here, and its digest.</summary>
    [Fact]
    public async Task Report_OfATrace_NamesItsFile()
    {
        string path = CommandRunner.At("config/traces/mt.vmt.gz");
        (_, string output, _) = await CommandRunner.RunAsync("run", path, "--json");
        JsonNode file = Assert.Single(JsonNode.Parse(output)!["provenance"]!["files"]!.AsArray())!;
        Assert.Equal(Path.GetRelativePath(Environment.CurrentDirectory, path), (string?)file["path"]);
        byte[] content = await File.ReadAllBytesAsync(path);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content)), (string?)file["digest"]);
    }

    private static string Wrong(JsonNode report)
    {
        JsonSchema schema = JsonSchema.FromText(File.ReadAllText(CommandRunner.At("docs/report.schema.json")));
        EvaluationResults results = schema.Evaluate(report, new EvaluationOptions { OutputFormat = OutputFormat.List });
        return results.IsValid
            ? ""
            : string.Join('\n', results.Details.Where(detail => detail.HasErrors).SelectMany(
                detail => detail.Errors!.Select(error => $"{detail.InstanceLocation}: {error.Value}")));
    }
}
