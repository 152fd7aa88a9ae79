using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>How a run is spread over a cluster. Nothing here changes what a run finds.</summary>
public sealed record ClusterSettings
{
    /// <summary>Keys of the command line that begin so are cluster settings.</summary>
    public const string Prefix = "cluster.";

    private const string Split = "split";

    /// <summary>whole or split.</summary>
    [Setting(
        "Whether a domain lives on one node if it fits (whole), or is always split over all nodes (split), for tests and study.",
        Choices = "whole|split")]
    public string Placement { get; init; } = "whole";

    /// <summary>Most cores of a domain that lives on one node.</summary>
    [Setting("Most simulated cores that a domain may have to live on one node; a larger one is split.", Min = 1, Max = 1_048_576)]
    public int CoresPerNode { get; init; } = 1_024;

    /// <summary>Address of this node.</summary>
    [Setting(
        "Address on which this node listens; other machines can reach only one that is not a loopback address. "
        + "`slurm` is the name of this host in a job of SLURM.")]
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Port on which a run waits for its nodes.</summary>
    [Setting("Port on which `vmsim run --nodes` waits for its nodes; 0 takes a free one.", Min = 0, Max = 65_535)]
    public int Port { get; init; } = 4_053;

    /// <summary>How long a run waits for its nodes, in seconds.</summary>
    [Setting("Seconds that a run waits for its nodes to join.", Min = 1, Max = 86_400)]
    public int JoinSeconds { get; init; } = 60;

    /// <summary>File with the certificate of this node.</summary>
    [Setting("File with the certificate and key of this process, as `vmsim certs node` makes it; `--nodes` and `vmsim node` need one.")]
    public string Certificate { get; init; } = "";

    /// <summary>Folders that a node may load files from.</summary>
    [Setting(
        "Folders, with commas between them, from which a node may load traces and plug-ins of runs that are started elsewhere; "
        + "empty for none.")]
    public string Folders { get; init; } = "";

    /// <summary>Most cores that a domain may have to live on one node, 0 if none may.</summary>
    public int CoresOfWholeDomain => Placement == Split ? 0 : CoresPerNode;

    /// <summary>Reads the settings: of a configuration file, then of the command line.</summary>
    /// <param name="text">HOCON whose block <c>vmsim.cluster</c> has the settings.</param>
    /// <param name="origin">The file's name.</param>
    /// <param name="sets">Settings that come last, each <c>cluster.key=value</c>.</param>
    /// <exception cref="ScenarioException">A key is unknown or a value not allowed.</exception>
    public static ClusterSettings Load(string text, string origin, IReadOnlyList<string> sets)
    {
        ArgumentNullException.ThrowIfNull(sets);
        SettingsTree tree = SettingsTree.Parse(text, origin).Block("vmsim").Block("cluster");
        foreach (string set in sets)
        {
            int equals = set.IndexOf('=', StringComparison.Ordinal);
            if (equals < Prefix.Length)
            {
                throw new ScenarioException($"--set {set}: key=value is needed, such as cluster.placement=split");
            }

            tree = tree.With(SettingsTree.Parse($"{set[Prefix.Length..equals].Trim()} = {set[(equals + 1)..].Trim()}", $"--set {set}"));
        }

        return (ClusterSettings)new SettingsBinder(1).Bind(new ClusterSettings(), tree, Prefix.TrimEnd('.'));
    }
}
