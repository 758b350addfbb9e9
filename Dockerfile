# All environments of envs/, as Snakemake writes them where conda is on PATH:
#   .venv/bin/snakemake --configfile sample/config.yaml --containerize
# How to build and use it: docs/clusters.md
FROM condaforge/miniforge3:latest
LABEL io.github.snakemake.containerized="true"
LABEL io.github.snakemake.conda_env_hash="4356b5e0c50af490415d8e3beb329ee97405e55030890bf0735a9d7efc7d5d0a"
# Conda environment:
#   source: envs/corpus.yaml
#   prefix: /conda-envs/9b15b5f3fd0ba586f6c055e0e79b02c0
#   channels:
#     - conda-forge
#   dependencies:
#     - python =3.11
#     - pip
#     - pip:
#         - ftfy==6.3.1
#         - matplotlib==3.11.2
#         - numpy==2.4.6
#         - pandas==3.1.1
#         - pyarrow==26.0.1
#         - rensa==0.5.0
#         - tqdm==4.70.1
#         - xxhash==4.1.0
RUN mkdir -p /conda-envs/9b15b5f3fd0ba586f6c055e0e79b02c0
COPY envs/corpus.yaml /conda-envs/9b15b5f3fd0ba586f6c055e0e79b02c0/environment.yaml
# Conda environment:
#   source: envs/evaluate.yaml
#   prefix: /conda-envs/a495b901925ae293b12795a1f00c332c
#   channels:
#     - conda-forge
#   dependencies:
#     - python =3.11
#     - pip
#     - pip:
#         - huggingface_hub==2.4.0
#         - matplotlib==3.11.2
#         - numpy==2.4.6
#         - pandas==3.1.1
#         - pyarrow==26.0.1
#         - scikit-learn==1.9.1
#         - scipy==1.17.1
#         - seqeval==1.2.2
#         - tokenizers==0.23.3
#         - torch==2.13.0
#         - tqdm==4.70.1
#         - transformers==5.23.0
RUN mkdir -p /conda-envs/a495b901925ae293b12795a1f00c332c
COPY envs/evaluate.yaml /conda-envs/a495b901925ae293b12795a1f00c332c/environment.yaml
# Conda environment:
#   source: envs/ingest.yaml
#   prefix: /conda-envs/da88e18346152732d193cbb06af1b35e
#   channels:
#     - conda-forge
#   dependencies:
#     - python =3.11
#     - pip
#     - pip:
#         - cryptography==50.0.2
#         - httpx2==2.16.2
#         - huggingface_hub==2.4.0
#         - lxml==6.1.3
#         - numpy==2.4.6
#         - olefile==0.47
#         - pandas==3.1.1
#         - pyarrow==26.0.1
#         - pypdfium2==5.15.2
#         - python-calamine==0.9.1
#         - PyYAML==6.0.3
#         - selectolax==1.0.2
#         - tqdm==4.70.1
#         - zstandard==0.25.0
RUN mkdir -p /conda-envs/da88e18346152732d193cbb06af1b35e
COPY envs/ingest.yaml /conda-envs/da88e18346152732d193cbb06af1b35e/environment.yaml
# Conda environment:
#   source: envs/publish.yaml
#   prefix: /conda-envs/087f41e4ad9753a485ad7aab3eaa4ada
#   channels:
#     - conda-forge
#   dependencies:
#     - python =3.11
#     - pip
#     - pip:
#         - huggingface_hub==2.4.0
#         - Jinja2==3.1.6
#         - numpy==2.4.6
#         - pandas==3.1.1
#         - pyarrow==26.0.1
#         - PyYAML==6.0.3
#         - safetensors==0.8.0
#         - tokenizers==0.23.3
#         - torch==2.13.0
#         - tqdm==4.70.1
#         - transformers==5.23.0
RUN mkdir -p /conda-envs/087f41e4ad9753a485ad7aab3eaa4ada
COPY envs/publish.yaml /conda-envs/087f41e4ad9753a485ad7aab3eaa4ada/environment.yaml
# Conda environment:
#   source: envs/tokenizer.yaml
#   prefix: /conda-envs/83cc97bd6e613beda2afe08ee4681b9d
#   channels:
#     - conda-forge
#   dependencies:
#     - python =3.11
#     - pip
#     - pip:
#         - huggingface_hub==2.4.0
#         - kiwipiepy==0.24.1
#         - kiwipiepy_model==0.24.0
#         - matplotlib==3.11.2
#         - numpy==2.4.6
#         - pandas==3.1.1
#         - pyarrow==26.0.1
#         - tokenizers==0.23.3
#         - tqdm==4.70.1
#         - transformers==5.23.0
RUN mkdir -p /conda-envs/83cc97bd6e613beda2afe08ee4681b9d
COPY envs/tokenizer.yaml /conda-envs/83cc97bd6e613beda2afe08ee4681b9d/environment.yaml
# Conda environment:
#   source: envs/train.yaml
#   prefix: /conda-envs/e0c386289197a2f1dd50e787b5e5bfca
#   # torch: on machines with an NVIDIA GPU pip takes the CUDA build from PyPI.
#   channels:
#     - conda-forge
#   dependencies:
#     - python =3.11
#     - pip
#     - pip:
#         - deepspeed==0.19.8
#         - matplotlib==3.11.2
#         - numpy==2.4.6
#         - pandas==3.1.1
#         - pyarrow==26.0.1
#         - pytorch_optimizer==4.1.0
#         - safetensors==0.8.0
#         - tensorboard==2.21.0
#         - tokenizers==0.23.3
#         - torch==2.13.0
#         - tqdm==4.70.1
#         - transformers==5.23.0
RUN mkdir -p /conda-envs/e0c386289197a2f1dd50e787b5e5bfca
COPY envs/train.yaml /conda-envs/e0c386289197a2f1dd50e787b5e5bfca/environment.yaml

RUN conda env create --prefix /conda-envs/9b15b5f3fd0ba586f6c055e0e79b02c0 --file /conda-envs/9b15b5f3fd0ba586f6c055e0e79b02c0/environment.yaml && \
    conda env create --prefix /conda-envs/a495b901925ae293b12795a1f00c332c --file /conda-envs/a495b901925ae293b12795a1f00c332c/environment.yaml && \
    conda env create --prefix /conda-envs/da88e18346152732d193cbb06af1b35e --file /conda-envs/da88e18346152732d193cbb06af1b35e/environment.yaml && \
    conda env create --prefix /conda-envs/087f41e4ad9753a485ad7aab3eaa4ada --file /conda-envs/087f41e4ad9753a485ad7aab3eaa4ada/environment.yaml && \
    conda env create --prefix /conda-envs/83cc97bd6e613beda2afe08ee4681b9d --file /conda-envs/83cc97bd6e613beda2afe08ee4681b9d/environment.yaml && \
    conda env create --prefix /conda-envs/e0c386289197a2f1dd50e787b5e5bfca --file /conda-envs/e0c386289197a2f1dd50e787b5e5bfca/environment.yaml && \
    conda clean --all -y
