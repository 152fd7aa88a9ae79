using VmSim.Actors.Configuration;
using VmSim.Core.Settings;

namespace VmSim.Host.Hosting;

/// <summary>
/// The job of SLURM that this process is a part of, as its environment says: the variables of sbatch(1) and srun(1), "OUTPUT ENVIRONMENT
/// VARIABLES".
/// </summary>
/// <param name="variable">The value of a variable; null for none.</param>
internal sealed class SlurmJob(Func<string, string?> variable)
{
    /// <summary>What stands for the hosts of the job, and for this host's name.</summary>
    public const string Word = "slurm";

    /// <summary>The job of this process's environment.</summary>
    public static SlurmJob Own { get; } = new(Environment.GetEnvironmentVariable);

    /// <summary>The hosts of the job, the one that runs the batch script first.</summary>
    /// <param name="what">What asks for them, in messages.</param>
    /// <exception cref="ScenarioException">There is no job, or its list cannot be read.</exception>
    public IReadOnlyList<string> Hosts(string what)
    {
        // The older name of the same list, which sbatch still sets.
        string name = variable("SLURM_JOB_NODELIST") is null && variable("SLURM_NODELIST") is not null
            ? "SLURM_NODELIST"
            : "SLURM_JOB_NODELIST";
        return HostList.Parse(variable(name) is { Length: > 0 } list ? list : throw NoJob(what, name), name);
    }

    /// <summary>What SLURM calls this host.</summary>
    /// <param name="what">What asks for it, in messages.</param>
    /// <exception cref="ScenarioException">There is no job.</exception>
    public string Host(string what) =>
        variable("SLURMD_NODENAME") is { Length: > 0 } host ? host : throw NoJob(what, "SLURMD_NODENAME");

    private static ScenarioException NoJob(string what, string name) => new(
        $"{what}: {Word} found, and {name} is not set: this process is in no job of SLURM; start it by srun or sbatch, or name the host");
}
