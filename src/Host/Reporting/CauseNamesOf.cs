using VmSim.Core.Addresses;
using VmSim.Core.Reports;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>The names of the processes and threads of a report, without control characters.</summary>
internal sealed class CauseNamesOf
{
    private readonly Dictionary<int, string> _processes = [];
    private readonly Dictionary<int, string> _threads = [];

    /// <summary>Reads the names; of equal numbers in a damaged report the last counts.</summary>
    public CauseNamesOf(RunReport report)
    {
        foreach (AddressSpaceReport space in report.AddressSpaces)
        {
            _processes[space.Id.Value] = PlainWriter.Line(space.Name);
        }

        foreach (ThreadReport thread in report.Threads)
        {
            _threads[thread.Id.Value] = PlainWriter.Line(thread.Name);
        }
    }

    /// <summary>Whether there is more than one process.</summary>
    public bool HasSeveralProcesses => _processes.Count > 1;

    /// <summary>The name of a process.</summary>
    public string Process(SpaceId space) => _processes.GetValueOrDefault(space.Value, $"space {space}");

    /// <summary>The name of a thread; empty for those that are not told apart.</summary>
    public string Thread(ThreadId thread) => thread.Value < 0 ? "" : _threads.GetValueOrDefault(thread.Value, $"thread {thread}");
}
