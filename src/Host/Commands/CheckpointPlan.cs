using VmSim.Actors.Cluster;
using VmSim.Actors.Running;
using VmSim.Core.Scenarios;
using VmSim.Host.Files;
using VmSim.Host.Hosting;

namespace VmSim.Host.Commands;

/// <summary>A run's checkpoints, as they were asked for.</summary>
/// <param name="Period">Wall time between them; zero for none by wall time.</param>
/// <param name="PeriodCycles">Virtual time between them in cycles; 0 for none by virtual time.</param>
/// <param name="Path">The file of the last one; null if none is written.</param>
/// <param name="Resume">The file that the run goes on from; null for a run from the beginning.</param>
internal sealed record CheckpointPlan(TimeSpan Period, long PeriodCycles, string? Path, string? Resume)
{
    /// <summary>Name of the file in a run's folder.</summary>
    public const string DefaultName = "run.checkpoint";

    /// <summary>Whether there is anything to do.</summary>
    public bool IsWanted => Path is not null || Resume is not null;

    /// <summary>Opens the files of a run.</summary>
    /// <param name="spec">What is simulated.</param>
    /// <param name="options">How.</param>
    /// <param name="inputs">Files that the run reads.</param>
    /// <param name="messages">Where it is said that a checkpoint could not be written.</param>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    /// <exception cref="Core.Settings.ScenarioException">The checkpoint is of another run.</exception>
    public RunCheckpoints Open(ScenarioSpec spec, RunOptions options, IReadOnlyList<string> inputs, TextWriter messages)
    {
        CheckpointOf run = new(BuildIdentity.Here, RunDigest.WithoutEnd(spec), options.Lists);
        if (Path is not null)
        {
            if (OutputFile.Require(Path, CheckpointFile.Option, inputs) == FileKind.Stream)
            {
                throw new IOException($"{CheckpointFile.Option} {Path}: a pipe or a device; a file is needed");
            }

            using OutputFile probe = new(Path, CheckpointFile.Option, inputs);
        }

        return new RunCheckpoints
        {
            Period = Period,
            PeriodCycles = PeriodCycles,
            Keep = Path is null ? null : new CheckpointFile(Path, run, inputs, messages).Keep,
            From = Resume is null ? null : CheckpointFile.Open(Resume, run),
            FromName = $"{CheckpointFile.ResumeOption} {Resume}",
        };
    }
}
