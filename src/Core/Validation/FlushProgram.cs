using VmSim.Core.Machine;
using VmSim.Core.Scenarios;

namespace VmSim.Core.Validation;

/// <summary>
/// What flushing so many pages takes of a call of one thread: the call's time less that on a kernel whose flushes cost nothing.
/// </summary>
/// <param name="name">Its name.</param>
/// <param name="call">The program with the call.</param>
/// <param name="phase">Which of its figures is the call's time.</param>
internal sealed class FlushProgram(string name, MeasuredProgram call, string phase) : MeasuredProgram(name, name, [Validation.Beside.None])
{
    /// <inheritdoc/>
    public override long MostSize => call.MostSize;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Figures => [Flush];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Run(ScenarioSpec machine, MeasuredCase measured)
    {
        ArgumentNullException.ThrowIfNull(machine);
        MeasuredCase same = measured with { Program = call.Name };
        KernelProfile free = machine.Kernel with { InvalidateRangeCycles = 0, InvalidatePageCycles = 0, InvalidateAllCycles = 0 };
        double without = call.Run(machine with { Kernel = free }, same)[phase];
        double nanoseconds = call.Run(machine, same)[phase] - without;
        return new Dictionary<string, double>(StringComparer.Ordinal) { [Flush] = nanoseconds * machine.Machine.Ghz };
    }
}
