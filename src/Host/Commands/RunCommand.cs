using System.CommandLine;
using VmSim.Actors.Cluster;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim run</c>: simulates a scenario or a trace and shows the report.</summary>
internal static class RunCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        RunArguments arguments = new();
        Option<bool> check = new("--check")
        {
            Description = "Watch every translation with the checker; a violation ends the run with exit code 1.",
        };
        Option<int> nodes = NumberOption.Create(
            "--nodes",
            "Spread the run over so many nodes, each a process of `vmsim node --join`. Never changes results.",
            1,
            RunPlan.NodesMax,
            fallback: 0);
        Option<int> local = NumberOption.Create(
            "--local-nodes", "As --nodes, with so many nodes as child processes on this machine.", 1, RunPlan.NodesMax, fallback: 0);
        Option<bool> force = new(LocalNodeCap.Force)
        {
            Description = "Start also more local nodes than there are processors for.",
        };
        Command command = new("run", "Simulates a scenario (.conf) or a trace (.vmt, .vmt.gz) and prints a report.");
        arguments.AddTo(command);
        command.Options.Add(check);
        command.Options.Add(nodes);
        command.Options.Add(local);
        command.Options.Add(force);
        command.SetAction((parsed, cancellation) =>
        {
            (int nodeCount, int localCount) = (parsed.GetValue(nodes), parsed.GetValue(local));
            if (nodeCount > 0 && localCount > 0)
            {
                throw new UsageException("--nodes and --local-nodes: one of them is needed, not both");
            }

            if (!parsed.GetValue(force))
            {
                LocalNodeCap.Require(localCount, Environment.ProcessorCount);
            }

            return arguments.Read(parsed, parsed.GetValue(check), nodeCount, localCount).CarryOutAsync(output, error, cancellation);
        });
        return command;
    }
}
