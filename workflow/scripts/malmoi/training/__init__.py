"""Pretrain BERT under DeepSpeed ZeRO."""
